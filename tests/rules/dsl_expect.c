/* dsl_expect.c - what the judge must find (dsl.h). */
#include <string.h>

#include "coverage.h"
#include "dsl.h"

const struct judgement *finish(struct run *run)
{
    run->judgement = checker_finish(run->checker);
    return run->judgement;
}

static const struct finding *find(const struct judgement *judgement, const char *rule)
{
    for (size_t i = 0; i < judgement->finding_count; i++) {
        if (strcmp(judgement->findings[i].rule->id, rule) == 0) {
            return &judgement->findings[i];
        }
    }
    return NULL;
}

static void tell_findings(const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->finding_count; i++) {
        print_message("  %s: %s\n", judgement->findings[i].rule->id, judgement->findings[i].message);
    }
}

const struct finding *expect_among_in(struct run *run, const char *rule, const char *test)
{
    const struct finding *finding = find(finish(run), rule);

    if (!finding) {
        tell_findings(run->judgement);
        fail_msg("no %s", rule);
    }
    coverage_caught(rule, test);
    return finding;
}

const struct finding *expect_in(struct run *run, const char *rule, const char *test)
{
    const struct finding *finding = expect_among_in(run, rule, test);

    if (run->judgement->finding_count != 1) {
        tell_findings(run->judgement);
        fail_msg("more than %s", rule);
    }
    return finding;
}

const struct finding *expect_at_in(struct run *run, const char *rule, uint64_t call, int16_t device,
                                   const char *test)
{
    const struct finding *finding = expect_in(run, rule, test);

    assert_int_equal(finding->call, call);
    assert_int_equal(finding->device, device);
    return finding;
}

void expect_not_in(struct run *run, const char *rule, const char *test)
{
    const struct finding *finding = find(finish(run), rule);

    if (finding) {
        fail_msg("%s: %s", rule, finding->message);
    }
    coverage_silent(rule, test);
}

void expect_clean(struct run *run)
{
    if (finish(run)->finding_count) {
        tell_findings(run->judgement);
        fail_msg("%zu findings in a correct run", run->judgement->finding_count);
    }
}
