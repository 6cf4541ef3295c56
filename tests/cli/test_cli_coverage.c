/* Lines from what llvm-cov and gcov print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "coverage_lines.h"
#include "coverage_tools.h"
#include "results.h"

/* One function, lines 3 to 14: a condition with its statement on line 4, a block on lines 6 to 9 with a comment on line
 * 7 and nothing on 8, one on 10 to 12 that ran. Segments as llvm-cov has them: line, column, count, has a count, starts
 * a region, is a gap. */
static const char llvm_text[] =
    "{\"data\":[{\"files\":[{\"filename\":\"/src/a.c\",\"segments\":["
    "[3,1,2,true,true,false],"
    "[4,9,2,true,true,false],[4,15,2,true,false,false],[4,16,0,true,false,true],[4,17,0,true,true,false],"
    "[4,37,2,true,false,false],"
    "[5,9,2,true,true,false],[5,15,2,true,false,false],[5,17,0,true,true,false],"
    "[7,1,0,false,true,false],[7,22,0,true,false,false],"
    "[9,6,2,true,false,false],"
    "[10,17,1,true,true,false],[12,6,2,true,false,false],"
    "[14,2,0,false,false,false]]},"
    "{\"filename\":\"/usr/include/"
    "stdio.h\",\"segments\":[[1,1,0,true,true,false],[9,2,0,false,false,false]]}],"
    "\"functions\":[{\"name\":\"a.c:work\",\"filenames\":[\"/src/"
    "a.c\"],\"regions\":[[3,1,14,2,2,0,0,0]]}]}]}";

static const char gcov_text[] =
    "{\"current_working_directory\":\"/"
    "src\",\"files\":[{\"file\":\"a.c\",\"functions\":[{\"demangled_name\":\"work\","
    "\"start_line\":3,\"end_line\":14}],\"lines\":["
    "{\"line_number\":3,\"count\":2,\"unexecuted_block\":false},"
    "{\"line_number\":4,\"count\":2,\"unexecuted_block\":true},"
    "{\"line_number\":6,\"count\":0,\"unexecuted_block\":true}]}]}";

static void take(struct cover_table *table, counters_take *read, const char *text, bool clean)
{
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    table->clean = clean;
    assert_int_equal(read(table, object), 0);
    json_decref(object);
}

static void expect(const json_t *files, const char *key, const char *expected)
{
    assert_string_equal(results_text(json_array_get(files, 0), key), expected);
}

static void test_segments(void **unused)
{
    (void)unused;
    struct cover_table table = {0};
    take(&table, cover_take_llvm, llvm_text, false);
    json_t *value = cover_table_value(&table), *files = json_object_get(value, "files");
    assert_int_equal(json_array_size(files), 1); /* the system's are not the client's */
    assert_string_equal(results_text(value, "tool"), "llvm-cov");
    expect(files, "clean", "");
    expect(files, "faults", "3-5,10-14");
    expect(files, "missed", "6,8-9");
    expect(files, "partial", "4");
    json_t *function = json_array_get(json_object_get(json_array_get(files, 0), "functions"), 0);
    assert_string_equal(results_text(function, "name"), "work");
    assert_int_equal(results_number(function, "first", 0), 3);
    json_decref(value);
    cover_table_free(&table);
}

/* The runs without a fault are read by themselves, and are among all runs. */
static void test_clean_and_faulted(void **unused)
{
    (void)unused;
    struct cover_table table = {0};
    take(&table, cover_take_gcov, gcov_text, true);
    take(&table, cover_take_llvm, llvm_text, false);
    json_t *value = cover_table_value(&table), *files = json_object_get(value, "files");
    expect(files, "clean", "3-4");
    expect(files, "faults", "5,10-14");
    expect(files, "missed", "6,8-9");
    json_decref(value);
    cover_table_free(&table);
}

static void test_names_of_cpp(void **unused)
{
    (void)unused;
    static const char text[] =
        "{\"data\":[{\"files\":[{\"filename\":\"/a.cpp\",\"segments\":[]}],\"functions\":[{"
        "\"name\":\"a.cpp:_ZN1A4workEi\",\"filenames\":[\"/a.cpp\"],"
        "\"regions\":[[3,1,14,2,2,0,0,0]]}]}]}";
    struct symbols *symbols = NULL;
    assert_int_equal(symbols_new(&symbols), 0);
    struct cover_table table = {.symbols = symbols};
    take(&table, cover_take_llvm, text, false);
    json_t *value = cover_table_value(&table);
    json_t *file = json_array_get(json_object_get(value, "files"), 0);
    assert_string_equal(results_text(json_array_get(json_object_get(file, "functions"), 0), "name"),
                        "A::work");
    json_decref(value);
    cover_table_free(&table);
    symbols_free(symbols);
}

static void test_odd_output(void **unused)
{
    (void)unused;
    static const char *const odd[] = {
        "{}", "[]", "{\"data\":[{\"files\":[{\"filename\":\"/a.c\",\"segments\":[[],7,[3]]}]}]}",
        "{\"data\":[{\"functions\":[{}, {\"filenames\":[\"/a.c\"],\"regions\":7}]}]}",
        "{\"files\":[{\"lines\":[{}]}, {\"file\":\"/b.c\",\"functions\":[{}]}]}"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct cover_table table = {0};
        json_t *object = json_loads(odd[i], 0, NULL);
        (void)cover_take_llvm(&table, object);
        (void)cover_take_gcov(&table, object);
        json_decref(cover_table_value(&table));
        json_decref(object);
        cover_table_free(&table);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_clean_and_faulted),
        cmocka_unit_test(test_names_of_cpp),
        cmocka_unit_test(test_odd_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
