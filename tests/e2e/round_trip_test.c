/* A database file goes out through BACKUP and comes back through RESTORE, byte for byte. E2E_BYTES sets its
 * size. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "e2e.h"

static void write_database(const char *path, size_t bytes)
{
    FILE *file = fopen(path, "w");
    uint64_t state = 88172645463325252u;
    assert_non_null(file);
    for (size_t done = 0; done < bytes; done += sizeof state) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        size_t count = bytes - done < sizeof state ? bytes - done : sizeof state;
        assert_int_equal(fwrite(&state, 1, count, file), count);
    }
    assert_int_equal(fclose(file), 0);
}

static bool same_content(const char *a, const char *b)
{
    char command[512];
    snprintf(command, sizeof command, "cmp -s '%s' '%s'", a, b);
    return system(command) == 0;
}

static void test_round_trip(void **unused)
{
    (void)unused;
    static const int devices[] = {1, 2, 8};
    char folder[] = "/tmp/vdifault-trip-XXXXXX";
    char source[64], target[64], command[128];
    const char *bytes = getenv("E2E_BYTES");
    assert_non_null(mkdtemp(folder));
    snprintf(source, sizeof source, "%s/source", folder);
    snprintf(target, sizeof target, "%s/target", folder);
    write_database(source, bytes != NULL ? strtoull(bytes, NULL, 10) : (24u << 20) + 12345);
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        snprintf(command, sizeof command, "cp '%s' '%s'", source, target);
        assert_int_equal(system(command), 0);
        e2e_arg(&args, "run");
        e2e_arg(&args, "--timeout");
        e2e_arg(&args, "300");
        e2e_arg(&args, "--database");
        e2e_arg(&args, "sales=%s", target);
        e2e_arg(&args, "--");
        e2e_arg(&args, "/bin/sh");
        e2e_arg(&args, "-c");
        e2e_arg(
            &args,
            E2E_CLIENTS
            "/correct_cpp backup --database sales --set s --devices %d --dir {run} && rm '%s' && " E2E_CLIENTS
            "/correct_cpp restore --database sales --set s --devices %d --dir {run}",
            devices[i], target, devices[i]);
        e2e_run(&run, args.list);
        if (run.status != 0 || e2e_finding_count(&run) != 0 || !same_content(source, target)) {
            e2e_fail(&run, &args, "%d devices: what came back differs, or a finding", devices[i]);
        }
        e2e_free(&run);
    }
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
