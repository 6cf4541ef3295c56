/* to_c.c - see to_c.h. */
#include "to_c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char before[] =
    " *\n"
    " * Build it with the client as the fuzzer was built (find_package(vdifault)):\n"
    " *     vdifault_client_test(NAME SOURCES this.c entry.c backup.c)\n"
    " */\n"
    "#include <setjmp.h>\n"
    "#include <stdarg.h>\n"
    "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "\n"
    "#include <cmocka.h>\n"
    "\n"
    "#include <vdifault.h>\n"
    "\n"
    "/* As `vdifault run --plan` takes it. */\n"
    "static const char plan[] =\n";

static const char after[] =
    ";\n"
    "\n"
    "static void client_obeys(void **state)\n"
    "{\n"
    "    char finding[1024];\n"
    "    (void)state;\n"
    "    if (vdifault_session(plan, finding, sizeof finding) != 0) {\n"
    "        fail_msg(\"%s\", finding);\n"
    "    }\n"
    "}\n"
    "\n"
    "int main(void)\n"
    "{\n"
    "    const struct CMUnitTest tests[] = {cmocka_unit_test(client_obeys)};\n"
    "    return cmocka_run_group_tests(tests, NULL, NULL);\n"
    "}\n";

/* A comment ends where its text says so. */
static void put_comment(FILE *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        fputc(c[0] == '*' && c[1] == '/' ? '+' : *c, out);
    }
}

static void put_string(FILE *out, const char *line, size_t length)
{
    fputs("    \"", out);
    for (size_t i = 0; i < length; i++) {
        fputs(line[i] == '"' || line[i] == '\\' ? "\\" : "", out);
        fputc(line[i], out);
    }
    fputs("\\n\"", out);
}

int to_c_write(FILE *out, const struct plan *plan, const struct trial *finding)
{
    char *text = plan_text(plan);
    if (text == NULL) {
        return ENOMEM;
    }
    fputs("/* ", out);
    put_comment(out, finding->signature);
    fputs(finding->text[0] != '\0' ? ": " : "", out);
    put_comment(out, finding->text);
    fputs("\n", out);
    fputs(before, out);
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        put_string(out, line, length);
        line += length + (line[length] == '\n' ? 1 : 0);
        fputs(*line != '\0' ? "\n" : "", out);
    }
    fputs(after, out);
    free(text);
    return ferror(out) || fflush(out) != 0 ? EIO : 0;
}
