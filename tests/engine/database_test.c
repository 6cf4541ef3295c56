/* Generated content and restored files. */
#include "database.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/vdifault-database-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"db", "db.restoring", "link"};
    for (size_t i = 0; i < 3; i++) {
        unlink(in_folder(names[i]));
    }
    return rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void assert_content(const char *path, const char *text)
{
    char buffer[64] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(buffer, 1, sizeof buffer - 1, file);
    fclose(file);
    assert_int_equal(length, strlen(text));
    assert_memory_equal(buffer, text, length);
}

static void content_is_a_function_of_seed_and_offset(void **state)
{
    (void)state;
    enum {
        LENGTH = 10000
    };
    uint8_t whole[LENGTH], piece[LENGTH];
    database_generate(3, 1000, whole, LENGTH);
    for (size_t at = 0; at < LENGTH; at += 997) {
        size_t length = LENGTH - at < 997 ? LENGTH - at : 997;
        database_generate(3, 1000 + at, piece, length);
        assert_memory_equal(piece, whole + at, length);
    }
    database_generate(4, 1000, piece, LENGTH);
    assert_memory_not_equal(piece, whole, 64);
    database_generate(3, 1064, piece, LENGTH);
    assert_memory_not_equal(piece, whole, 64);
}

static void no_two_lines_of_content_are_equal(void **state)
{
    (void)state;
    enum {
        LINES = 4096
    };
    static uint8_t data[LINES * 64];
    database_generate(1, 0, data, sizeof data);
    for (size_t i = 1; i < LINES; i++) {
        assert_memory_not_equal(data + 64 * (i - 1), data + 64 * i, 64);
        assert_memory_not_equal(data, data + 64 * i, 8);
    }
}

static void comparison_points_at_the_first_difference(void **state)
{
    (void)state;
    enum {
        LENGTH = 9001
    };
    uint8_t data[LENGTH];
    database_generate(2, 77, data, LENGTH);
    assert_int_equal(database_compare(2, 77, data, LENGTH), LENGTH);
    data[8500] ^= 1;
    assert_int_equal(database_compare(2, 77, data, LENGTH), 8500);
    data[5] ^= 1;
    assert_int_equal(database_compare(2, 77, data, LENGTH), 5);
}

static void names_are_found_without_regard_to_case(void **state)
{
    (void)state;
    static struct plan plan;
    plan_init(&plan);
    plan.database_count = 1;
    strcpy(plan.databases[0].name, "Pubs");
    assert_ptr_equal(database_find(&plan, "pUBS"), &plan.databases[0]);
    assert_null(database_find(&plan, "pub"));
}

static void a_commit_replaces_the_file_and_keeps_its_mode(void **state)
{
    (void)state;
    static struct database_target target;
    struct stat status;
    write_file(in_folder("db"), "old and longer");
    assert_int_equal(chmod(in_folder("db"), 0604), 0);
    assert_int_equal(database_begin(&target, in_folder("db"), 8), 0);
    assert_int_equal(database_put(&target, 4, (const uint8_t *)"file", 4), 0);
    assert_int_equal(database_put(&target, 0, (const uint8_t *)"new ", 4), 0);
    assert_content(in_folder("db"), "old and longer");
    assert_int_equal(database_commit(&target), 0);
    database_discard(&target);
    assert_content(in_folder("db"), "new file");
    assert_int_equal(stat(in_folder("db"), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    assert_int_equal(access(in_folder("db.restoring"), F_OK), -1);
}

static void a_discard_leaves_all_as_it_was(void **state)
{
    (void)state;
    static struct database_target target;
    write_file(in_folder("db"), "old");
    assert_int_equal(database_begin(&target, in_folder("db"), 8), 0);
    assert_int_equal(database_put(&target, 0, (const uint8_t *)"new", 3), 0);
    database_discard(&target);
    assert_content(in_folder("db"), "old");
    assert_int_equal(access(in_folder("db.restoring"), F_OK), -1);
}

static void a_leftover_is_used_again_and_a_live_one_is_not(void **state)
{
    (void)state;
    static struct database_target first, second;
    write_file(in_folder("db.restoring"), "a leftover of a server that was killed");
    assert_int_equal(database_begin(&first, in_folder("db"), 3), 0);
    assert_int_equal(database_begin(&second, in_folder("db"), 3), EWOULDBLOCK);
    assert_int_equal(database_put(&first, 0, (const uint8_t *)"abc", 3), 0);
    assert_int_equal(database_commit(&first), 0);
    assert_content(in_folder("db"), "abc");
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    static struct database_target target;
    struct stat status;
    char link_name[128];
    strcpy(link_name, in_folder("link"));
    write_file(in_folder("db"), "old");
    assert_int_equal(symlink(in_folder("db"), link_name), 0);
    assert_int_equal(database_begin(&target, link_name, 3), 0);
    assert_int_equal(database_put(&target, 0, (const uint8_t *)"new", 3), 0);
    assert_int_equal(database_commit(&target), 0);
    assert_content(in_folder("db"), "new");
    assert_int_equal(lstat(link_name, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void only_plain_files_are_databases(void **state)
{
    (void)state;
    static struct database_target target;
    static struct plan plan;
    struct database_source source;
    plan_init(&plan);
    assert_int_equal(database_begin(&target, "/dev/null", 0), EACCES);
    assert_int_equal(database_begin(&target, folder, 0), EACCES);
    assert_int_equal(database_open(&source, &plan, "/dev/null"), EACCES);
    assert_int_equal(database_open(&source, &plan, in_folder("none")), ENOENT);
    assert_int_equal(source.file, -1);
}

static void a_file_that_shrinks_is_noticed(void **state)
{
    (void)state;
    static struct plan plan;
    struct database_source source;
    uint8_t data[8];
    write_file(in_folder("db"), "12345678");
    assert_int_equal(database_open(&source, &plan, in_folder("db")), 0);
    assert_int_equal(source.size, 8);
    assert_int_equal(truncate(in_folder("db"), 6), 0);
    assert_int_equal(database_read(&source, 0, data, 8), ENODATA);
    database_close(&source);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(content_is_a_function_of_seed_and_offset),
        TEST(no_two_lines_of_content_are_equal),
        TEST(comparison_points_at_the_first_difference),
        TEST(names_are_found_without_regard_to_case),
        TEST(a_commit_replaces_the_file_and_keeps_its_mode),
        TEST(a_discard_leaves_all_as_it_was),
        TEST(a_leftover_is_used_again_and_a_live_one_is_not),
        TEST(a_link_stays_a_link),
        TEST(only_plain_files_are_databases),
        TEST(a_file_that_shrinks_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
