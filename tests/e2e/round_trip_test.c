/* A database file goes out through BACKUP and comes back through RESTORE, byte for byte, over every device model,
 * several processes, and the sizes that a statement can ask for (spec 7). E2E_BYTES sets its size. */
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

static const struct trip {
    const char *client; /* and its options; the last may want the path of the database */
    const char *with;
    int devices;
} trips[] = {
    {"correct_cpp", NULL, 1},
    {"correct_cpp", NULL, 2},
    {"correct_c", NULL, 8},
    {"correct_c", NULL, 64},
    {"correct_c", "MAXTRANSFERSIZE=4194304", 2},
    {"correct_c", "BLOCKSIZE=65536", 2},
    {"correct_c", "BUFFERCOUNT=3", 3},
    {"correct_c", "BUFFERCOUNT=200, MAXTRANSFERSIZE=131072, BLOCKSIZE=4096", 2},
    {"prefixed", "MAXTRANSFERSIZE=262144", 3},
    {"disk", NULL, 1},
    {"disk", "BLOCKSIZE=65536, MAXTRANSFERSIZE=1048576", 4},
    {"disk --removable --volume-size 6000000", NULL, 1},
    {"disk --removable --volume-size 3000000", NULL, 3},
    {"tape", NULL, 1},
    {"tape", "BLOCKSIZE=65536, MAXTRANSFERSIZE=1048576", 4},
    {"tape --volume-size 6000000", NULL, 1},
    {"tape --volume-size 3000000", "BLOCKSIZE=2048", 3},
    {"multiprocess", NULL, 2},
    {"multiprocess", NULL, 3},
    {"multiprocess --processes 3", "MAXTRANSFERSIZE=4194304", 4},
    {"mapped", NULL, 2},
    {"mapped", "MAXTRANSFERSIZE=4194304, BLOCKSIZE=65536", 4},
    {"tape --soft-marks 4096", NULL, 2},
    {"snapshot --data-file", NULL, 1},
    {"snapshot --no-prepare --data-file", NULL, 1},
};

/* One direction, as a shell command. */
static void client_command(const struct trip *trip, const char *action, const char *target, char *command,
                           size_t size)
{
    bool wants_path = strstr(trip->client, "--data-file") != NULL;
    snprintf(command, size, E2E_CLIENTS "/%s %s %s --database sales --set s --devices %d --dir {run} %s%s%s",
             trip->client, wants_path ? target : "", action, trip->devices,
             trip->with != NULL ? "--with '" : "", trip->with != NULL ? trip->with : "",
             trip->with != NULL ? "'" : "");
}

static void check(const struct trip *trip, const char *source, const char *target)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    char backup[512], restore[512], command[128];
    snprintf(command, sizeof command, "cp '%s' '%s'", source, target);
    assert_int_equal(system(command), 0);
    client_command(trip, "backup", target, backup, sizeof backup);
    client_command(trip, "restore", target, restore, sizeof restore);
    e2e_arg(&args, "run");
    e2e_arg(&args, "--timeout");
    e2e_arg(&args, "300");
    e2e_arg(&args, "--database");
    e2e_arg(&args, "sales=%s", target);
    e2e_arg(&args, "--");
    e2e_arg(&args, "/bin/sh");
    e2e_arg(&args, "-c");
    e2e_arg(&args, "%s && rm '%s' && %s", backup, target, restore);
    e2e_run(&run, args.list);
    if (run.status != 0 || e2e_finding_count(&run) != 0 || !same_content(source, target)) {
        e2e_fail(&run, &args, "%s, %d devices: what came back differs, or a finding", trip->client,
                 trip->devices);
    }
    e2e_free(&run);
}

static void test_round_trip(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/vdifault-trip-XXXXXX";
    char source[64], target[64], command[128];
    const char *bytes = getenv("E2E_BYTES");
    assert_non_null(mkdtemp(folder));
    snprintf(source, sizeof source, "%s/source", folder);
    snprintf(target, sizeof target, "%s/target", folder);
    write_database(source, bytes != NULL ? strtoull(bytes, NULL, 10) : (24u << 20) + 12345);
    for (size_t i = 0; i < sizeof trips / sizeof trips[0]; i++) {
        check(&trips[i], source, target);
    }
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

/* --verify is a restore by a client of the same kind; what it proves, the report says. */
static void test_verification(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof trips / sizeof trips[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        char backup[512], restore[512];
        client_command(&trips[i], "backup", "{run}/database", backup, sizeof backup);
        client_command(&trips[i], "restore", "{run}/database", restore, sizeof restore);
        e2e_arg(&args, "run");
        e2e_arg(&args, "--before");
        e2e_arg(&args, "head -c 100000 /dev/urandom > {run}/database");
        e2e_arg(&args, "--verify");
        e2e_arg(&args, "%s", restore);
        e2e_arg(&args, "--");
        e2e_arg(&args, "/bin/sh");
        e2e_arg(&args, "-c");
        e2e_arg(&args, "%s", backup);
        e2e_run(&run, args.list);
        json_t *operation = json_array_get(json_object_get(run.report, "operations"), 0);
        const char *durable = json_string_value(json_object_get(operation, "durable"));
        if (run.status != 0 || e2e_finding_count(&run) != 0 || durable == NULL ||
            strcmp(durable, "yes") != 0) {
            e2e_fail(&run, &args, "%s: verification of a good backup says %s", trips[i].client,
                     durable != NULL ? durable : "nothing");
        }
        e2e_free(&run);
    }
}

/* A tape takes several backups, one behind the other; RESTORE WITH FILE finds each. */
static void test_sets_on_a_tape(void **unused)
{
    (void)unused;
    static const char client[] = E2E_CLIENTS "/tape --database sales --set s --dir {run}";
    char folder[] = "/tmp/vdifault-trip-XXXXXX";
    char target[64];
    struct e2e_args args = {0};
    struct e2e_run run;
    assert_non_null(mkdtemp(folder));
    snprintf(target, sizeof target, "%s/target", folder);
    write_database(target, 3000000);
    e2e_arg(&args, "run");
    e2e_arg(&args, "--database");
    e2e_arg(&args, "sales=%s", target);
    e2e_arg(&args, "--");
    e2e_arg(&args, "/bin/sh");
    e2e_arg(&args, "-c");
    e2e_arg(
        &args,
        "cd '%s' && cp target first && %s backup && printf changed | dd of=target conv=notrunc status=none &&"
        " cp target second && %s backup --append && %s restore --with FILE=1 && cmp target first &&"
        " %s restore --with FILE=2 && cmp target second",
        folder, client, client, client, client);
    e2e_run(&run, args.list);
    json_t *exit_status = json_object_get(json_object_get(run.report, "client"), "exit");
    if (run.status != 0 || e2e_finding_count(&run) != 0 || json_integer_value(exit_status) != 0) {
        e2e_fail(&run, &args, "two backups on a tape");
    }
    e2e_free(&run);
    snprintf(target, sizeof target, "rm -r '%s'", folder);
    assert_int_equal(system(target), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_verification),
                                       cmocka_unit_test(test_sets_on_a_tape)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
