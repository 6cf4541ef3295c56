/* rules_test.c - all tests of the rules in one program, so that it knows which rules they cover.
 *
 *   rules_test              runs the tests, then judges what they cover and compares docs/rules.md
 *   rules_test --docs FILE  runs them and writes the table to FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "tests.h"

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t size = 0;

    if (file) {
        if (getdelim(&text, &size, '\0', file) < 0) {
            free(text);
            text = NULL;
        }
        fclose(file);
    }
    return text;
}

/* docs/rules.md says what this program has just seen. */
static int compare_document(void)
{
    char *document = read_file(RULES_DOCUMENT), *table = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&table, &size);
    int failed;

    if (!out) {
        free(document);
        return 1;
    }
    coverage_markdown(out);
    fclose(out);
    failed = !document || strcmp(document, table) != 0;
    if (failed) {
        fprintf(stderr, "docs/rules.md does not match the table: cmake --build BUILD --target docs\n");
    }
    free(document);
    free(table);
    return failed;
}

static int write_document(const char *path)
{
    FILE *out = fopen(path, "we");

    if (!out) {
        perror(path);
        return 1;
    }
    coverage_markdown(out);
    return fclose(out) != 0;
}

int main(int argc, char **argv)
{
    int failed = 0;

#define RUN(name) failed += test_##name();
    RULE_TEST_FILES(RUN)
    if (argc == 3 && strcmp(argv[1], "--docs") == 0) {
        return write_document(argv[2]);
    }
    failed += !coverage_judge();
    failed += compare_document();
    return failed != 0;
}
