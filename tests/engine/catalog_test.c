/* The catalog: what one server process writes another reads, whatever becomes of either. */
#include "catalog.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], path[96];

static const struct catalog_key pubs = {.name = "pubs"};

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/vdifault-catalog-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/catalog", folder);
    return 0;
}

static int teardown(void **state)
{
    static const char *const endings[] = {"", ".lock", ".new"};
    char name[128];
    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static struct catalog *open_catalog(void)
{
    struct catalog *catalog = NULL;
    assert_int_equal(catalog_open(path, &catalog), 0);
    return catalog;
}

static uint64_t log_end_of(struct catalog *catalog, const struct catalog_key *key)
{
    assert_int_equal(catalog_begin(catalog), 0);
    uint64_t end = catalog_entry(catalog, key)->log_end;
    assert_int_equal(catalog_end(catalog, false), 0);
    return end;
}

static void advance(struct catalog *catalog, const struct catalog_key *key)
{
    assert_int_equal(catalog_begin(catalog), 0);
    catalog_entry(catalog, key)->log_end += CATALOG_LSN_STEP;
    assert_int_equal(catalog_end(catalog, true), 0);
}

static void what_one_writes_another_reads(void **state)
{
    (void)state;
    struct catalog *one = open_catalog(), *other = open_catalog();
    uint64_t end = log_end_of(one, &pubs);
    advance(one, &(struct catalog_key){.name = "PUBS"}); /* without case */
    assert_int_equal(log_end_of(other, &pubs), end + CATALOG_LSN_STEP);
    assert_int_equal(log_end_of(other, &(struct catalog_key){.name = "pubs", .verification = true}), end);
    assert_int_equal(log_end_of(other, &(struct catalog_key){.name = "sales"}), end);
    catalog_close(one);
    catalog_close(other);
}

static void without_a_file_it_is_memory(void **state)
{
    (void)state;
    struct catalog *catalog = NULL;
    assert_int_equal(catalog_open(NULL, &catalog), 0);
    uint64_t end = log_end_of(catalog, &pubs);
    advance(catalog, &pubs);
    assert_int_equal(log_end_of(catalog, &pubs), end + CATALOG_LSN_STEP);
    assert_int_equal(access(path, F_OK), -1);
    catalog_close(catalog);
}

static void there_is_an_end_to_entries(void **state)
{
    (void)state;
    struct catalog *catalog = open_catalog();
    char name[16], too_long[CATALOG_NAME_MAX + 1];
    assert_int_equal(catalog_begin(catalog), 0);
    for (int i = 0; i < CATALOG_DATABASES_MAX; i++) {
        snprintf(name, sizeof name, "db%d", i);
        assert_non_null(catalog_entry(catalog, &(struct catalog_key){.name = name}));
    }
    assert_null(catalog_entry(catalog, &pubs));
    assert_non_null(catalog_entry(catalog, &(struct catalog_key){.name = "db7"}));
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[CATALOG_NAME_MAX] = '\0';
    assert_null(catalog_entry(catalog, &(struct catalog_key){.name = too_long}));
    assert_int_equal(catalog_end(catalog, true), 0);
    catalog_close(catalog);
}

/* Every bit of it counts; what has a right checksum over nonsense is nonsense. */
static void what_is_no_catalog_is_refused(void **state)
{
    (void)state;
    struct catalog *catalog = open_catalog();
    advance(catalog, &pubs);
    catalog_close(catalog);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    size_t size = (size_t)status.st_size;
    uint8_t *good = malloc(size);
    FILE *file = fopen(path, "r+");
    assert_int_equal(fread(good, 1, size, file), size);
    for (size_t at = 0; at < size; at += 37) {
        fseek(file, (long)at, SEEK_SET);
        fputc(good[at] ^ 0x40, file);
        fflush(file);
        assert_int_equal(catalog_open(path, &catalog), EPROTO);
        assert_null(catalog);
        fseek(file, (long)at, SEEK_SET);
        fputc(good[at], file);
    }
    fclose(file);
    assert_int_equal(truncate(path, (off_t)size - 1), 0);
    assert_int_equal(catalog_open(path, &catalog), EPROTO);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(catalog_open(path, &catalog), EPROTO);
    free(good);
}

static void what_is_held_is_free_again_when_the_process_dies(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t holder = fork();
    if (holder == 0) {
        struct catalog *own = open_catalog();
        catalog_begin(own);
        bool held = catalog_claim(own, catalog_entry(own, &pubs), CATALOG_DATA) == 0;
        catalog_end(own, true);
        _exit(write(ready[1], held ? "y" : "n", 1) == 1 ? (pause(), 0) : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    struct catalog *catalog = open_catalog();
    assert_int_equal(catalog_begin(catalog), 0);
    const struct catalog_database *database = catalog_entry(catalog, &pubs);
    assert_int_equal(catalog_claim(catalog, database, CATALOG_DATA), EWOULDBLOCK);
    assert_int_equal(catalog_claim(catalog, database, CATALOG_ALL), EWOULDBLOCK);
    assert_int_equal(catalog_claim(catalog, database, CATALOG_LOG), 0);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    assert_int_equal(catalog_claim(catalog, database, CATALOG_ALL), 0);
    assert_int_equal(catalog_end(catalog, false), 0);
    catalog_close(catalog);
    close(ready[0]);
    close(ready[1]);
}

/* Writers killed at any instant: what they have written is a catalog, and no count is lost that another has seen. */
static void a_killed_writer_leaves_a_catalog(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (int round = 0; round < 50; round++) {
        pid_t writers[2];
        for (int i = 0; i < 2; i++) {
            writers[i] = fork();
            if (writers[i] == 0) {
                struct catalog *own = NULL;
                if (catalog_open(path, &own) == 0) {
                    for (;;) {
                        advance(own, &pubs);
                    }
                }
                _exit(1);
            }
        }
        struct catalog *catalog = open_catalog();
        uint64_t before = log_end_of(catalog, &pubs), end = before;
        while (end < before + (uint64_t)(1 + round % 7) * CATALOG_LSN_STEP) {
            end = log_end_of(catalog, &pubs);
        }
        for (int i = 0; i < 2; i++) {
            kill(writers[i], SIGKILL);
            waitpid(writers[i], NULL, 0);
        }
        assert_true(log_end_of(catalog, &pubs) >= end && end >= last);
        last = end;
        catalog_close(catalog);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_one_writes_another_reads),
        TEST(without_a_file_it_is_memory),
        TEST(there_is_an_end_to_entries),
        TEST(what_is_no_catalog_is_refused),
        TEST(what_is_held_is_free_again_when_the_process_dies),
        TEST(a_killed_writer_leaves_a_catalog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
