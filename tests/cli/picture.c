/* picture.c - see picture.h. */
#include "picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "rundir.h"

char root[64];
struct record record;
static struct run_state run_state;
struct run_waits run_waits;
const struct hang_scope scope = {
    .proc_root = root,
    .runner = RUNNER,
    .client = CLIENT,
    .token = "100-7",
    .stand_in = "/p/sqlcmd",
    .own_pipe = "pipe:[88]",
    .state = &run_state,
    .waits = &run_waits,
};

void put(const char *text, const char *format, ...)
{
    char path[256];
    int used = snprintf(path, sizeof path, "%s/", root);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(path + used, sizeof path - (size_t)used, format, arguments);
    va_end(arguments);
    for (char *slash = strchr(path + used, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

void put_link(const char *target, const char *format, int pid)
{
    char path[256];
    int used = snprintf(path, sizeof path, "%s/", root);
    snprintf(path + used, sizeof path - (size_t)used, format, pid);
    (void)unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

void put_stat(int pid, int thread, int parent, char state, int cpu)
{
    char text[256];
    snprintf(text, sizeof text, "%d (a) b (c)) %c %d 1 1 0 -1 0 0 0 0 0 %d 0 0 0 20 0\n",
             thread != 0 ? thread : pid, state, parent, cpu);
    if (thread != 0) {
        put(text, "%d/task/%d/stat", pid, thread);
    } else {
        put(text, "%d/stat", pid);
    }
}

/* A sleeping thread in this system call. */
void put_thread(int pid, int thread, const char *syscall)
{
    put_stat(pid, thread, 0, 'S', 3);
    put(syscall, "%d/task/%d/syscall", pid, thread);
}

void put_process(int pid, int parent)
{
    put_stat(pid, 0, parent, 'S', 0);
    put("", "%d/timers", pid);
    put("Name:\tx\nSigCgt:\t0000000180010440\n", "%d/status", pid);
    char path[128];
    snprintf(path, sizeof path, "%s/%d/fd", root, pid);
    (void)mkdir(path, 0700);
}

const char *call(long number, const char *arguments)
{
    static char text[160];
    snprintf(text, sizeof text, "%ld %s 0x7ffd0 0x7f001\n", number, arguments);
    return text;
}

int picture_start(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/test-cli-hang-XXXXXX");
    if (mkdtemp(root) == NULL) {
        return 1;
    }
    memset(&run_waits, 0, sizeof run_waits);
    record_init(&record, "/tmp");
    put_process(RUNNER, 1);
    put_process(CLIENT, RUNNER);
    put_thread(CLIENT, CLIENT, call(SYS_futex, FUTEX_UNTIMED));
    return 0;
}

int picture_end(void **state)
{
    (void)state;
    record_free(&record);
    return folder_remove(root);
}
