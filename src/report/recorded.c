/* recorded.c - see recorded.h. */
#include "recorded.h"

#include <string.h>

#include "dialect.h"

/* The contradictions X1 to X16 and the open questions are those of the documents (docs/states.md). */
static const struct {
    const char *rule;
    enum profile_point point;
} rests[] = {
    {"VDI-OPEN-003", PROFILE_OPEN_ACTIVE},                                                  /* X1 */
    {"VDI-GETCMD-002", PROFILE_GET_AFTER_CLOSE},                                            /* X2 */
    {"VDI-CLOSE-001", PROFILE_CLOSE_OPEN},                                                  /* X3 */
    {"VDI-CLOSE-005", PROFILE_CLOSE_OPEN},        {"VDI-GETCFG-004", PROFILE_TIMEOUT_UNIT}, /* X6 */
    {"VDI-GETCMD-006", PROFILE_SEVERAL_COMMANDS}, {"VDI-COMP-001", PROFILE_COMPLETE_SENT},
    {"VDI-COMP-002", PROFILE_COMPLETE_SENT},
};

uint32_t recorded_points(const struct profile *profile, const char *dialect)
{
    struct dialect run;
    const char *wrong;
    uint32_t points = profile->recorded;
    (void)dialect_parse(dialect, &run, &wrong);
    for (uint32_t i = 0; i < DIALECT_CHOICES; i++) {
        bool other = (profile->other >> i & 1) != 0;
        points &= ~((uint32_t)(run.other[i] != other) << i);
    }
    return points;
}

bool recorded_applies(const char *rule, uint32_t points)
{
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        if (strcmp(rests[i].rule, rule) == 0) {
            return (points >> rests[i].point & 1) != 0;
        }
    }
    return false;
}
