/* See restore_fixture.h. */
#include "restore_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "fake_server.h"

struct statement backup;
struct statement restore;
char path[96];
static char folder[64];

void back_up(uint32_t devices)
{
    fake_reset(devices, false);
    assert_int_equal(statement_run(&backup), ENGINE_SUCCEEDED);
    fake_reset(devices, true);
}

int restore_setup(void **state)
{
    (void)state;
    unsetenv("VDIFAULT_TRACE");
    strcpy(folder, "/tmp/vdifault-restore-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/db", folder);
    statement_init(&backup, ENGINE_BACKUP, 2);
    backup.plan.size = RESTORE_SIZE;
    statement_init(&restore, ENGINE_RESTORE, 2);
    back_up(2);
    return 0;
}

int restore_teardown(void **state)
{
    (void)state;
    fake_clear();
    unlink(path);
    return rmdir(folder); /* fails if a temporary file was left behind */
}

void write_file(uint64_t seed, size_t size)
{
    uint8_t *data = malloc(size + 1);
    database_generate(seed, 0, data, size);
    FILE *file = fopen(path, "w");
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    free(data);
}

void check_file(uint64_t seed, size_t size)
{
    uint8_t *data = malloc(size + 1);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(data, 1, size + 1, file), size);
    assert_int_equal(database_compare(seed, 0, data, size), size);
    fclose(file);
    free(data);
}

void use_file(struct statement *statement)
{
    statement->plan.database_count = 1;
    strcpy(statement->plan.databases[0].name, "pubs");
    strcpy(statement->plan.databases[0].path, path);
}

void expect_failure(void)
{
    assert_int_equal(statement_run(&restore), ENGINE_FAILED);
    assert_int_equal(fake.reason, SERVER_ABORT_NONE);
    assert_string_equal(statement_text(&restore, 3013), restore.request.log
                                                            ? "RESTORE LOG is terminating abnormally."
                                                            : "RESTORE DATABASE is terminating abnormally.");
}
