/* parse_test.c - what tsql_parse takes and refuses, with SQL Server's own words (spec 13). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tsql.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* ---- good statements: printed back in a form of our own, and compared ---- */

static void print_terms(FILE *out, const struct tsql_term *term)
{
    static const char marks[] = {[TSQL_TERM_NULL] = '0',
                                 [TSQL_TERM_STRING] = 's',
                                 [TSQL_TERM_NUMBER] = 'n',
                                 [TSQL_TERM_VARIABLE] = 'v',
                                 [TSQL_TERM_GLOBAL] = 'g'};
    for (; term != NULL; term = term->next) {
        fprintf(out, "%c", marks[term->kind]);
        if (term->kind == TSQL_TERM_VARIABLE || term->kind == TSQL_TERM_GLOBAL)
            fprintf(out, "%u", term->index);
        else
            fprintf(out, "<%s>", term->text != NULL ? term->text : "");
    }
}

static void print_statement(FILE *out, const struct tsql_statement *s)
{
    static const char *const kinds[] = {[TSQL_BACKUP] = "backup",
                                        [TSQL_RESTORE] = "restore",
                                        [TSQL_VERIFYONLY] = "verify",
                                        [TSQL_HEADERONLY] = "header",
                                        [TSQL_LABELONLY] = "label",
                                        [TSQL_FILELISTONLY] = "files",
                                        [TSQL_ASSIGN] = "assign",
                                        [TSQL_SELECT] = "select",
                                        [TSQL_PRINT] = "print",
                                        [TSQL_USE] = "use",
                                        [TSQL_EXECUTE] = "execute",
                                        [TSQL_NOCOUNT] = "nocount",
                                        [TSQL_IMPLICIT] = "implicit",
                                        [TSQL_NOEXEC] = "noexec",
                                        [TSQL_IGNORED] = "ignored",
                                        [TSQL_REGISTER] = "register",
                                        [TSQL_MODEL] = "model",
                                        [TSQL_BEGIN] = "begin",
                                        [TSQL_END] = "end"};
    fprintf(out, "%s%s%s", kinds[s->kind], s->log ? " log" : "", s->on ? " on" : "");
    if (s->subject != NULL) {
        fputc(' ', out);
        print_terms(out, s->subject);
    }
    for (const struct tsql_item *i = s->items; i != NULL; i = i->next) {
        fputs(" | ", out);
        if (s->kind == TSQL_ASSIGN)
            fprintf(out, "%u=", i->index);
        if (i->name != NULL)
            fprintf(out, "%s:", i->name);
        print_terms(out, i->value);
    }
    for (const struct tsql_item *o = s->options; o != NULL; o = o->next) {
        fprintf(out, " +%s", o->option->name);
        if (o->value != NULL)
            print_terms(out, o->value);
        if (o->name != NULL)
            fprintf(out, ">%s", o->name);
    }
    fputs(";", out);
}

static char *parse_and_print(const char *text)
{
    struct tsql_batch *batch;
    struct tsql_error error;
    int rc = tsql_parse(text, strlen(text), &batch, &error);
    if (rc == EINVAL)
        fail_msg("%s\n-> %d line %u: %s", text, error.number, error.line, error.text);
    assert_int_equal(rc, 0);
    char *printed;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    for (const struct tsql_statement *s = tsql_first(batch); s != NULL; s = s->next)
        print_statement(out, s);
    fclose(out);
    tsql_batch_free(batch);
    return printed;
}

static const struct {
    const char *text, *printed;
} good[] = {
    {"", ""},
    {" ; ;-- nothing\n/* at /* all */ */", ""},
    {"BACKUP DATABASE db TO VIRTUAL_DEVICE='s'", "backup s<db> | s<s>;"},
    {"backup log [my ]]db] to virtual_device = N'it''s' , VIRTUAL_DEVICE='d2';",
     "backup log s<my ]db> | s<it's> | s<d2>;"},
    {"BACKUP DATABASE \"a\"\"b\" TO VIRTUAL_DEVICE=\"s\"", "backup s<a\"b> | s<s>;"},
    {"/*x*/Restore--y\nDatabase db From Virtual_Device='s' With Replace,Stats,MaxTransferSize=1048576",
     "restore s<db> | s<s> +REPLACE +STATS +MAXTRANSFERSIZEn<1048576>;"},
    {"RESTORE DATABASE db FROM VIRTUAL_DEVICE='s' WITH MOVE 'a' TO 'b', MOVE N'c' TO N'd', FILE = 1, STATS=5",
     "restore s<db> | s<s> +MOVEs<a>>b +MOVEs<c>>d +FILEn<1> +STATSn<5>;"},
    {"RESTORE LOG db FROM VIRTUAL_DEVICE='s' WITH STOPATMARK = 'm' AFTER 't', STANDBY='u'",
     "restore log s<db> | s<s> +STOPATMARKs<m> +STANDBYs<u>;"},
    {"RESTORE DATABASE db WITH RECOVERY", "restore s<db> +RECOVERY;"},
    {"RESTORE DATABASE db", "restore s<db>;"},
    {"RESTORE VERIFYONLY FROM VIRTUAL_DEVICE='s' WITH NOUNLOAD", "verify | s<s> +NOUNLOAD;"},
    {"RESTORE HEADERONLY FROM VIRTUAL_DEVICE='s' RESTORE LABELONLY FROM VIRTUAL_DEVICE='s' RESTORE "
     "FILELISTONLY "
     "FROM VIRTUAL_DEVICE='s'",
     "header | s<s>;label | s<s>;files | s<s>;"},
    {"BACKUP DATABASE db TO VIRTUAL_DEVICE='s' WITH COMPRESSION (ALGORITHM = MS_XPRESS), "
     "ENCRYPTION(ALGORITHM = "
     "AES_256, SERVER CERTIFICATE = c), COPY_ONLY, DIFFERENTIAL, FORMAT, INIT, SKIP, NOREWIND, CHECKSUM",
     "backup s<db> | s<s> +COMPRESSION +ENCRYPTION +COPY_ONLY +DIFFERENTIAL +FORMAT +INIT +SKIP +NOREWIND "
     "+CHECKSUM;"},
    {"DECLARE @v AS nvarchar(max) = N'a' + 'b', @n int\nBACKUP DATABASE @v TO VIRTUAL_DEVICE=@V WITH "
     "BLOCKSIZE=@n",
     "assign | 0=s<a>s<b> | 1=;backup v0 | v0 +BLOCKSIZEv1;"},
    {"DECLARE @a decimal(10, 2), @b sysname SET @b = ((@a) + 'x') SELECT @a = -1, @b += 'y'",
     "assign | 0= | 1=;assign | 1=v0s<x>;assign | 0=n<-1> | 1=v1s<y>;"},
    {"USE [master]; PRINT 'x'+NULL; SELECT @@version AS v, 1 [one], 'b'",
     "use s<master>;print s<x>0<NULL>;select | v:g0 | one:n<1> | s<b>;"},
    {"SET NOCOUNT ON SET ANSI_NULLS, QUOTED_IDENTIFIER ON; SET NOCOUNT OFF", "nocount on;ignored;nocount;"},
    {"ALTER DATABASE x SET SINGLE_USER WITH ROLLBACK IMMEDIATE; PRINT 1", "ignored;print n<1>;"},
    {"ALTER DATABASE x SET RECOVERY FULL PRINT 1", "model s<x> | FULL:;print n<1>;"},
    {"ALTER DATABASE [a b] SET RECOVERY simple WITH NO_WAIT", "model s<a b> | simple:;"},
    {"BEGIN TRAN t BACKUP LOG db TO VIRTUAL_DEVICE='s' COMMIT TRANSACTION; ROLLBACK",
     "begin;backup log s<db> | s<s>;end;end on;"},
    {"BEGIN TRANSACTION @t WITH MARK 'm'; COMMIT WORK ROLLBACK TRAN [t] PRINT 1",
     "begin;end;end on;print n<1>;"},
    {"EXEC sp_addumpdevice 'virtual_device', 'a', 'b' exec master..SP_ADDUMPDEVICE @a = 1; PRINT 'x'",
     "register;register;print s<x>;"},
    {"EXEC('a' + 'b') EXECUTE master..sp_executesql N'c'", "execute s<a>s<b>;execute s<c>;"},
    {"PRINT 'two\nlines' PRINT '--' PRINT '/*'", "print s<two\nlines>;print s<-->;print s</*>;"},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        char *printed = parse_and_print(good[i].text);
        assert_string_equal(printed, good[i].printed);
        free(printed);
    }
}

/* ---- bad ones: number, severity, state, line and text ---- */

#define OTHER(word) "Keyword or statement option '" word "' is not supported in this version of SQL Server."
static const struct {
    const char *text;
    int number, severity, state;
    uint32_t line;
    const char *message;
} bad[] = {
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a' WITH FOO", 155, 15, 1, 1,
     "'FOO' is not a recognized BACKUP option."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a'\nWITH Replace", 155, 15, 1, 2,
     "'Replace' is not a recognized BACKUP option."},
    {"RESTORE LOG x FROM VIRTUAL_DEVICE='a' WITH INIT", 155, 15, 1, 1,
     "'INIT' is not a recognized RESTORE option."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a' WITH INIT, noinit", 3031, 16, 1, 1,
     "Option 'noinit' conflicts with option(s) 'INIT'. Remove the conflicting option and reissue the "
     "statement."},
    {"BACKUP DATABASE x VIRTUAL_DEVICE='a'", 102, 15, 1, 1, "Incorrect syntax near 'VIRTUAL_DEVICE'."},
    {"BACKUP DATABASE x\n\nTO VIRTUAL_DEVCE='a'", 102, 15, 1, 3, "Incorrect syntax near 'VIRTUAL_DEVCE'."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE=1", 102, 15, 1, 1, "Incorrect syntax near '1'."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a',", 102, 15, 1, 1, "Incorrect syntax near ','."},
    {"BACKUP DATABASE 'x' TO VIRTUAL_DEVICE='a'", 102, 15, 1, 1, "Incorrect syntax near 'x'."},
    {"BACKUP DATABASE select TO VIRTUAL_DEVICE='a'", 156, 15, 1, 1,
     "Incorrect syntax near the keyword 'select'."},
    {"BACKUP DATABASE", 156, 15, 1, 1, "Incorrect syntax near the keyword 'DATABASE'."},
    {"BACKUP DATABASE x TO DISK='a'", 40517, 16, 1, 1, OTHER("DISK")},
    {"BACKUP DATABASE x WITH INIT", 319, 15, 1, 1,
     "Incorrect syntax near the keyword 'WITH'. If this statement is a common table expression, an "
     "xmlnamespaces "
     "clause or a change tracking context clause, the previous statement must be terminated with a "
     "semicolon."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a' WITH STATS=", 102, 15, 1, 1, "Incorrect syntax near '='."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a' WITH STATS=1+1", 102, 15, 1, 1, "Incorrect syntax near '1'."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a' WITH ENCRYPTION(a", 102, 15, 1, 1,
     "Incorrect syntax near 'a'."},
    {"BACKUP DATABASE x TO VIRTUAL_DEVICE='a' oops", 102, 15, 1, 1, "Incorrect syntax near 'oops'."},
    {"PRINT 1\nBACKUP DATABASE x TO VIRTUAL_DEVICE='a\n", 105, 15, 1, 2,
     "Unclosed quotation mark after the character string 'a\n'."},
    {"USE [x", 105, 15, 1, 1, "Unclosed quotation mark after the character string 'x'."},
    {"PRINT 1 /* /* */", 113, 15, 1, 1, "Missing end comment mark '*/'."},
    {"BACKUP DATABASE @d TO VIRTUAL_DEVICE='a'", 137, 15, 2, 1, "Must declare the scalar variable \"@d\"."},
    {"DECLARE @a int = @a", 137, 15, 2, 1, "Must declare the scalar variable \"@a\"."},
    {"\nSET @x = 1", 137, 15, 1, 2, "Must declare the scalar variable \"@x\"."},
    {"DECLARE @a int, @A int", 134, 15, 2, 1,
     "The variable name '@A' has already been declared. Variable names must be unique within a query batch "
     "or "
     "stored procedure."},
    {"DECLARE @a strange", 2715, 16, 3, 1,
     "Column, parameter, or variable #1: Cannot find data type strange."},
    {"DECLARE @a int SELECT @a = 1, 2", 141, 15, 1, 1,
     "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval "
     "operations."},
    {"SELECT name", 207, 16, 1, 1, "Invalid column name 'name'."},
    {"PRINT rand()", 195, 15, 10, 1, "'rand' is not a recognized built-in function name."},
    {"PRINT db_name(1, 2)", 174, 15, 1, 1, "The DB_NAME function requires 0 argument(s)."},
    {"SELECT CASE WHEN 1 = 1 THEN 2", 102, 15, 1, 1, "Incorrect syntax near '2'."},
    {"SET FOO ON", 195, 15, 5, 1, "'FOO' is not a recognized SET option."},
    {"SET NOCOUNT MAYBE", 102, 15, 1, 1, "Incorrect syntax near 'MAYBE'."},
    {"CREATE TABLE t (i int)", 40517, 16, 1, 1, OTHER("CREATE")},
    {"BEGIN TRY PRINT 1 END TRY", 40517, 16, 1, 1, OTHER("BEGIN")},
    {"BEGIN PRINT 1", 102, 15, 1, 1, "Incorrect syntax near '1'."},
    {"IF 1 = 1", 102, 15, 1, 1, "Incorrect syntax near '1'."},
    {"WHILE 1 = 1 PRINT 1", 40517, 16, 1, 1, OTHER("WHILE")},
    {"sp_who", 2812, 16, 62, 1, "Could not find stored procedure 'sp_who'."},
    {"EXEC dbo.sp_who", 2812, 16, 62, 1, "Could not find stored procedure 'sp_who'."},
    {"PRINT 1 sp_who", 102, 15, 1, 1, "Incorrect syntax near 'sp_who'."},
    {"USE []", 1038, 15, 4, 1,
     "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a "
     "name. For "
     "other statements, look for empty alias names. Aliases defined as \"\" or [] are not allowed. Change "
     "the alias "
     "to a valid name."},
    {"PRINT (1", 102, 15, 1, 1, "Incorrect syntax near '1'."},
    {"PRINT 1)", 102, 15, 1, 1, "Incorrect syntax near ')'."},
    {"\x01", 102, 15, 1, 1, "Incorrect syntax near '\x01'."},
};

static void expect_error(const char *text, size_t length, int number, int severity, int state, uint32_t line,
                         const char *message)
{
    struct tsql_batch *batch;
    struct tsql_error error;
    int rc = tsql_parse(text, length, &batch, &error);
    if (rc != EINVAL || error.number != number)
        fail_msg("%.100s\n-> %d, message %d: %s", text, rc, rc == EINVAL ? error.number : 0,
                 rc == EINVAL ? error.text : "");
    assert_null(batch);
    assert_string_equal(error.text, message);
    assert_int_equal(error.severity, severity);
    assert_int_equal(error.state, state);
    assert_int_equal(error.line, line);
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        expect_error(bad[i].text, strlen(bad[i].text), bad[i].number, bad[i].severity, bad[i].state,
                     bad[i].line, bad[i].message);
    expect_error("PRINT 'a\0b'", 11, 102, 15, 1, 1, "Incorrect syntax near 'a'.");
    expect_error("PRINT 1 \0", 9, 102, 15, 1, 1, "Incorrect syntax near ''.");
}

/* ---- the option table ---- */

static char *statement_with(const struct tsql_option_info *info, bool backup)
{
    static const char *const values[] = {
        [TSQL_VALUE_NONE] = "",
        [TSQL_VALUE_NUMBER] = "=1",
        [TSQL_VALUE_NUMBER_OPTIONAL] = "",
        [TSQL_VALUE_STRING] = "='x'",
        [TSQL_VALUE_STRING_PAIR] = " 'a' TO 'b'",
        [TSQL_VALUE_MARK] = "='m'",
        [TSQL_VALUE_GROUP_OPTIONAL] = "",
        [TSQL_VALUE_GROUP] = "(a = b, (c))",
    };
    char *text = NULL;
    int length = asprintf(&text, "%s VIRTUAL_DEVICE='s' WITH %s%s",
                          backup ? "BACKUP DATABASE x TO" : "RESTORE DATABASE x FROM", info->name,
                          values[info->value]);
    assert_true(length > 0);
    return text;
}

static void test_every_option_with_its_verb_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * tsql_option_count; i++) {
        const struct tsql_option_info *info = &tsql_option_table[i / 2];
        bool backup = i % 2 != 0, allowed = backup ? info->backup : info->restore;
        char *text = statement_with(info, backup);
        struct tsql_batch *batch;
        struct tsql_error error;
        int rc = tsql_parse(text, strlen(text), &batch, &error);
        assert_int_equal(rc, allowed ? 0 : EINVAL);
        if (rc != 0)
            assert_int_equal(error.number, 155);
        tsql_batch_free(batch);
        free(text);
    }
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t value;
        int number;
    } rows[] = {
        {"BLOCKSIZE", 512, 0},
        {"BLOCKSIZE", 65536, 0},
        {"BLOCKSIZE", 0, 3250},
        {"BLOCKSIZE", 1000, 3253},
        {"BLOCKSIZE", 131072, 3250},
        {"BLOCKSIZE", 256, 3250},
        {"MAXTRANSFERSIZE", 65536, 0},
        {"MAXTRANSFERSIZE", 4194304, 0},
        {"MAXTRANSFERSIZE", 65537, 3250},
        {"MAXTRANSFERSIZE", 0, 3250},
        {"MAXTRANSFERSIZE", 1LL << 40, 3250},
        {"BUFFERCOUNT", 1, 0},
        {"BUFFERCOUNT", -1, 3250},
        {"STATS", 101, 3250},
        {"FILE", 1, 0},
        {"FILE", -5, 3250},
        {"MOVE", -5, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        size_t at = 0;
        while (strcmp(tsql_option_table[at].name, rows[i].name) != 0)
            at++;
        struct tsql_error error = {0};
        int rc = tsql_option_check(&tsql_option_table[at], rows[i].value, &error);
        assert_int_equal(rc, rows[i].number == 0 ? 0 : EINVAL);
        assert_int_equal(error.number, rows[i].number);
    }
}

/* ---- limits ---- */

static void test_many_devices_are_parsed(void **state)
{
    (void)state;
    char text[8192] = "BACKUP DATABASE x TO VIRTUAL_DEVICE='s'";
    for (int i = 1; i < 70; i++)
        strcat(text, ",VIRTUAL_DEVICE='d'");
    struct tsql_batch *batch;
    struct tsql_error error;
    assert_int_equal(tsql_parse(text, strlen(text), &batch, &error), 0);
    assert_int_equal(tsql_first(batch)->item_count, 70);
    tsql_batch_free(batch);
}

static void test_limits(void **state)
{
    (void)state;
    size_t size = TSQL_BATCH_MAX + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    expect_error(text, size, 50000, 16, 1, 1, "The batch has 1048577 bytes; at most 1048576 are accepted.");
    memcpy(text, "PRINT ", 6);
    memset(text + 6, '(', 100000);
    expect_error(
        text, 100006, 191, 15, 1, 1,
        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into "
        "smaller queries.");
    for (size_t i = 0; i + 1 < TSQL_BATCH_MAX; i += 2)
        memcpy(text + i, "/*", 2); /* nested comments, half a million deep */
    expect_error(text, TSQL_BATCH_MAX, 113, 15, 1, 1, "Missing end comment mark '*/'.");
    memset(text, 'a', 129);
    memcpy(text, "USE ", 4);
    memset(text + 4, 'a', 129);
    struct tsql_batch *batch;
    struct tsql_error error;
    assert_int_equal(tsql_parse(text, 4 + 128, &batch, &error), 0);
    tsql_batch_free(batch);
    assert_int_equal(tsql_parse(text, 4 + 129, &batch, &error), EINVAL);
    assert_int_equal(error.number, 103);
    free(text);
}

static void test_statement_text_and_line(void **state)
{
    (void)state;
    const char *text = "PRINT 1 -- one\n/* two */ USE x ;\n\nBACKUP DATABASE x\n TO VIRTUAL_DEVICE='s' ; ";
    static const struct {
        const char *text;
        uint32_t line;
    } expected[] = {{"PRINT 1", 1}, {"USE x", 2}, {"BACKUP DATABASE x\n TO VIRTUAL_DEVICE='s'", 4}};
    struct tsql_batch *batch;
    struct tsql_error error;
    assert_int_equal(tsql_parse(text, strlen(text), &batch, &error), 0);
    const struct tsql_statement *s = tsql_first(batch);
    for (size_t i = 0; i < COUNT(expected); i++, s = s->next) {
        assert_non_null(s);
        assert_int_equal(s->length, strlen(expected[i].text));
        assert_memory_equal(s->text, expected[i].text, s->length);
        assert_int_equal(s->line, expected[i].line);
    }
    assert_null(s);
    tsql_batch_free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_every_option_with_its_verb_only),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_many_devices_are_parsed),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_statement_text_and_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
