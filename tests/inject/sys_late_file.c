/* sys_late_file.c - a file that comes between libvdifault-sys.so's look at a name and the open: it is opened only if
 * the fault engine, of which this program stands in its place, was asked. Run with that library preloaded.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "witness.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT _Atomic uint32_t vdifault_denials = UINT32_MAX;

static int asked;
static int looks;
static char path[] = "/tmp/vdifault-late-XXXXXX";

EXPORT int vdifault_denies(enum denial what, const void *caller)
{
    (void)caller;
    asked += what == DENIAL_OPEN;
    return 0;
}

/* The library's own way to the kernel: after a look at the name, the file comes. */
EXPORT long syscall(long number, ...)
{
    static long (*next)(long, ...);
    long argument[6];
    va_list list;
    va_start(list, number);
    for (size_t i = 0; i < sizeof argument / sizeof argument[0]; i++) {
        argument[i] = va_arg(list, long);
    }
    va_end(list);
    if (next == NULL) {
        next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    }
    long result = next(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
    if (number == SYS_statx && argument[1] == (long)path) {
        int saved = errno;
        looks++;
        next(SYS_close, next(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY, 0600));
        errno = saved;
    }
    return result;
}

static void open_file(void)
{
    int file = open(path, O_RDONLY);
    if (file >= 0) {
        close(file);
    } else if (errno != ENOENT) {
        perror("open");
        exit(1);
    }
    bool opened = file >= 0;
    printf("looked %d times, asked %d times, the file is %sopened\n", looks, asked, opened ? "" : "not ");
    if (looks == 0 || opened != (asked > 0)) {
        unlink(path);
        fprintf(stderr, "a file that was opened is one that was asked about\n");
        exit(1);
    }
}

int main(void)
{
    int file = mkstemp(path);
    if (file < 0 || close(file) != 0 || unlink(path) != 0) {
        perror(path);
        return 1;
    }
    looks = asked = 0;
    open_file(); /* it comes too late for this one */
    open_file();
    unlink(path);
    return asked == 1 ? 0 : 1;
}
