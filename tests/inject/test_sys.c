/* test_sys.c - libvdifault-sys.so, row by row of its table: results and errno are those of the C library, and what
 * is recorded is what happened. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"
#include "sys_words.h"

/* What one row gives: the events of both calls, and what the guard was told. A write is "write<bytes>@<offset>",
 * "!" at its end says that the bytes are of the held block. */
struct row {
    const char *name;
    const char *events;
    const char *touched;
};

static const struct row rows[] = {
    {"open", "open+", ""},
    {"open64", "open+", ""},
    {"openat", "open+", ""},
    {"openat64", "open+", ""},
    {"__open_2", "open", ""},
    {"__open64_2", "open", ""},
    {"__openat_2", "open", ""},
    {"__openat64_2", "open", ""},
    {"creat", "open+", ""},
    {"creat64", "open+", ""},
    {"fopen", "open+", ""},
    {"fopen64", "open+", ""},
    {"freopen", "close open+", ""},
    {"freopen64", "close open+", ""},

    {"write", "write5@0! write-9@-1!", "write:takes5 write:takes5"},
    {"pwrite", "write5@7! write-9@-1!", "pwrite:takes5 pwrite:takes5"},
    {"pwrite64", "write5@7! write-9@-1!", "pwrite64:takes5 pwrite64:takes5"},
    {"writev", "write5@0! write-22@-1", "writev:takes2 writev:takes3"},
    {"pwritev", "write5@7! write-22@-1", "pwritev:takes2 pwritev:takes3"},
    {"pwritev64", "write5@7! write-9@-1!",
     "pwritev64:takes2 pwritev64:takes3 pwritev64:takes2 pwritev64:takes3"},
    {"pwritev2", "through5@7! write-95@-1!",
     "pwritev2:takes2 pwritev2:takes3 pwritev2:takes2 pwritev2:takes3"},
    {"pwritev64v2", "write5@0! write-95@-1!",
     "pwritev64v2:takes2 pwritev64v2:takes3 pwritev64v2:takes2 pwritev64v2:takes3"},
    {"send", "write5@-1! write-88@-1!", "send:takes5 send:takes5"},
    {"sendto", "write5@-1! write-9@-1!", "sendto:takes5 sendto:takes5"},
    {"sendmsg", "write5@-1! write-9@-1!", "sendmsg:takes2 sendmsg:takes3 sendmsg:takes2 sendmsg:takes3"},
    {"vmsplice", "write5@-1! write-9@-1!", "vmsplice:takes2 vmsplice:takes3 vmsplice:takes2 vmsplice:takes3"},
    {"sendfile", "write5@0", ""},
    {"sendfile64", "write5@0", ""},
    {"splice", "write5@0 write-9@-1", ""},
    {"copy_file_range", "write5@0 write-9@-1", ""},

    {"read", "", "read:fills5 read:fills5"},
    {"pread", "", "pread:fills5 pread:fills5"},
    {"pread64", "", "pread64:fills5 pread64:fills5"},
    {"readv", "", "readv:fills2 readv:fills3"},
    {"preadv", "", "preadv:fills2 preadv:fills3 preadv:fills2 preadv:fills3"},
    {"preadv64", "", "preadv64:fills2 preadv64:fills3 preadv64:fills2 preadv64:fills3"},
    {"recv", "", "recv:fills5 recv:fills5"},
    {"recvfrom", "", "recvfrom:fills5 recvfrom:fills5"},
    {"recvmsg", "", "recvmsg:fills2 recvmsg:fills3 recvmsg:fills2 recvmsg:fills3"},
    {"__read_chk", "", "__read_chk:fills5 __read_chk:fills5"},
    {"__pread_chk", "", "__pread_chk:fills5 __pread_chk:fills5"},
    {"__pread64_chk", "", "__pread64_chk:fills5 __pread64_chk:fills5"},
    {"__recv_chk", "", "__recv_chk:fills5 __recv_chk:fills5"},
    {"__recvfrom_chk", "", "__recvfrom_chk:fills5 __recvfrom_chk:fills5"},
    {"fread", "", "fread:fills5 fread:fills5"},
    {"fread_unlocked", "", "fread_unlocked:fills5 fread_unlocked:fills5"},
    {"__fread_chk", "", "__fread_chk:fills5 __fread_chk:fills5"},
    {"__fread_unlocked_chk", "", "__fread_unlocked_chk:fills5 __fread_unlocked_chk:fills5"},

    {"fwrite", "buffered5!", "fwrite:takes5 fwrite:takes5"},
    {"fwrite_unlocked", "buffered5!", "fwrite_unlocked:takes5 fwrite_unlocked:takes5"},
    {"fputs", "buffered5", ""},
    {"fputs_unlocked", "buffered5", ""},
    {"fputc", "buffered1", ""},
    {"putc", "buffered1", ""},
    {"fputc_unlocked", "buffered1", ""},
    {"__overflow", "buffered1", ""},
    {"fprintf", "buffered5", ""},
    {"__fprintf_chk", "buffered5", ""},
    {"vfprintf", "buffered5", ""},
    {"__vfprintf_chk", "buffered5", ""},
    {"fflush", "buffered5! write5@0 buffered0 buffered0", "fwrite:takes5"},
    {"fflush_unlocked", "buffered5! write5@0 buffered0", "fwrite:takes5"},
    {"fclose", "buffered5! write5@0 buffered0 close", "fwrite:takes5"},
    {"fcloseall", "buffered5! buffered0", "fwrite:takes5"},
    {"fseek", "buffered5! write5@0 buffered0", "fwrite:takes5"},
    {"fseeko", "buffered5! write5@0 buffered0", "fwrite:takes5"},
    {"fseeko64", "buffered5! write5@0 buffered0", "fwrite:takes5"},
    {"fsetpos", "buffered5! write5@0 buffered0", "fwrite:takes5"},
    {"fsetpos64", "buffered5! write5@0 buffered0", "fwrite:takes5"},
    {"rewind", "buffered5! write5@0 buffered0", "fwrite:takes5"},

    {"ftruncate", "truncate3 truncate-22", ""},
    {"ftruncate64", "truncate3 truncate-22", ""},
    {"truncate", "truncate3", ""},
    {"truncate64", "truncate3", ""},
    {"fsync", "begin end", ""},
    {"fdatasync", "begin end", ""},
    {"syncfs", "begin all", ""},
    {"sync", "begin all", ""},
    {"mmap", "map", ""},
    {"mmap64", "map", ""},
    {"msync", "map begin end begin end-22", ""},
    {"shm_open", "", ""},
    {"memfd_create", "", ""},
    {"posix_fallocate", "", ""},
    {"posix_fallocate64", "", ""},
    {"fallocate", "", ""},
    {"fallocate64", "", ""},
    {"malloc", "", ""},
    {"calloc", "", ""},
    {"realloc", "", ""},
    {"reallocarray", "", ""},
    {"memalign", "", ""},
    {"aligned_alloc", "", ""},
    {"posix_memalign", "", ""},
    {"valloc", "", ""},
    {"pvalloc", "", ""},
    {"rename", "rename+", ""},
    {"renameat", "rename+", ""},
    {"renameat2", "rename+", ""},
    {"link", "rename+", ""},
    {"linkat", "rename+", ""},
    {"unlink", "unlink0", ""},
    {"unlinkat", "unlink0", ""},
    {"remove", "unlink0", ""},
    {"close", "close", ""},
    {"wait", "exit3", ""},
    {"waitpid", "exit3", ""},
    {"wait3", "exit3", ""},
    {"wait4", "exit3", ""},
    {"waitid", "exit3", ""},
};

/* The table itself, so that no row lacks a line above. */
static const char *const table[] = {
#define SYS_CALL(type, failed, name, parameters, when, next, arguments, prepare, before, after) #name,
#define SYS_VOID(name, parameters, when, arguments, before, after)                              #name,
#include "sys.def"
};

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* ---- running ---- */

static char work[64];

static void make_work_folder(void)
{
    snprintf(work, sizeof work, "/tmp/vdifault-sys-XXXXXX");
    assert_non_null(mkdtemp(work));
    assert_int_equal(chdir(work), 0);
}

static void remove_work_folder(void)
{
    char command[128];
    assert_int_equal(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf '%s'", work);
    assert_int_equal(system(command), 0);
}

static void read_results(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

/* Without anything of ours. */
static void run_plainly(const char *name, const char *preload, char *text, size_t size)
{
    int status = 0;
    pid_t child;
    make_work_folder();
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (preload != NULL) {
            setenv("LD_PRELOAD", preload, 1);
        }
        execl(SYS_CLIENT, SYS_CLIENT, name, "results", (char *)NULL);
        _exit(95);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    read_results("results", text, size);
    remove_work_folder();
}

static void describe(const struct event *event, char *text, size_t size)
{
    static const char *const words[] = {
        [FILE_OPEN] = "open",         [FILE_WRITE] = "write",      [FILE_WRITE_SYNCED] = "through",
        [FILE_TRUNCATE] = "truncate", [FILE_SYNC_BEGIN] = "begin", [FILE_SYNC_END] = "end",
        [FILE_SYNC_ALL_END] = "all",  [FILE_MAP] = "map",          [FILE_RENAME] = "rename",
        [FILE_UNLINK] = "unlink",     [FILE_CLOSE] = "close",      [FILE_BUFFERED] = "buffered"};
    const char *word = words[event->arg[0]];
    const char *held = event->call == SYS_FETCH ? "!" : "";
    switch (event->arg[0]) {
    case FILE_WRITE:
    case FILE_WRITE_SYNCED:
        snprintf(text, size, "%s%d@%d%s", word, (int)event->arg[5], (int)event->arg[3], held);
        break;
    case FILE_BUFFERED:
    case FILE_UNLINK:
        snprintf(text, size, "%s%d%s", word, (int)event->arg[4], held);
        break;
    case FILE_TRUNCATE:
        snprintf(text, size, "%s%d", word, (int)(event->arg[5] != 0 ? event->arg[5] : event->arg[4]));
        break;
    case FILE_OPEN:
    case FILE_RENAME:
        snprintf(text, size, "%s%s", word, event->arg[5] > 0 ? "+" : "");
        break;
    default:
        snprintf(text, size, event->arg[5] != 0 ? "%s%d" : "%s", word, (int)event->arg[5]);
    }
}

static void list_events(const struct harness *harness, char *text, size_t size)
{
    text[0] = '\0';
    for (size_t i = 0; i < harness->count; i++) {
        const struct event *event = &harness->events[i].event;
        char word[64] = "?";
        if (event->kind == EVENT_FILE) {
            describe(event, word, sizeof word);
        } else if (event->kind == EVENT_PROCESS_EXIT) {
            snprintf(word, sizeof word, "exit%d", (int)event->arg[0]);
        }
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", used > 0 ? " " : "", word);
    }
}

/* Takes the line "touched ..." out. */
static void split_touched(char *results, char *touched, size_t size)
{
    char *line = strstr(results, "touched ");
    assert_non_null(line);
    snprintf(touched, size, "%s", line + strlen("touched "));
    touched[strcspn(touched, "\n")] = '\0';
    *line = '\0';
}

static void check_row(const char *name)
{
    const struct row *row = find_row(name);
    struct harness harness;
    char plain[1024], seen[1024], alone[1024], events[1024], touched[SYS_LOG_BYTES], verbs[128];
    if (row == NULL) {
        fail_msg("%s is in the table, but not in this test", name);
        return;
    }
    run_plainly(name, NULL, plain, sizeof plain);
    run_plainly(name, SYS_LIBRARY, alone, sizeof alone);
    assert_string_equal(plain, alone);
    make_work_folder();
    snprintf(verbs, sizeof verbs, "%s results", name);
    harness_run(&harness, SYS_CLIENT, NULL, verbs);
    assert_int_equal(harness.exit_status, 0);
    read_results("results", seen, sizeof seen);
    split_touched(seen, touched, sizeof touched);
    list_events(&harness, events, sizeof events);
    if (strcmp(plain, seen) != 0 || strcmp(events, row->events) != 0 || strcmp(touched, row->touched) != 0) {
        fail_msg(
            "%s\nresults plain   %swith us         %sevents          %s\nexpected        %s\ntouched         "
            "%s\n"
            "expected        %s\n",
            name, plain, seen, events, row->events, touched, row->touched);
    }
    harness_end(&harness);
    remove_work_folder();
}

static void test_every_row(void **state)
{
    const char *only = getenv("SYS_ONLY");
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (only == NULL || strcmp(only, table[i]) == 0) {
            check_row(table[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_row)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
