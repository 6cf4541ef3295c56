/* sys_client.c - makes each wrapped call once as it should be and once so that it fails.
 *
 *     sys_client CALL RESULTS      in an empty folder; results and errno go to the file RESULTS
 *
 * What it says about its own calls goes out by raw system calls, which nobody wraps.
 */
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys_words.h"

#undef putc
#undef fputc_unlocked
#undef fwrite_unlocked
#undef fread_unlocked

#define SYS_CALL(type, failed, name, parameters, when, next, arguments, prepare, before, after) \
    type name parameters;
#define SYS_VOID(name, parameters, when, arguments, before, after) void name parameters;
#include "sys.def"
#undef SYS_CALL
#undef SYS_VOID

enum {
    SIZE = 5,
};

static char own_block[SYS_BLOCK_BYTES];
static char *block = own_block; /* the fake guard's, if it is there */
static int results;             /* descriptors, all by raw system calls */
static int file, reader, pipes[2], sockets[2], folder;
static FILE *out, *in;
static struct iovec parts[2];
static struct msghdr message;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    syscall(SYS_write, results, text, (size_t)length);
}

static int raw_open(const char *path, int flags)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

/* A result that is a place in memory or a descriptor differs from run to run. */
static long any(long value)
{
    return value != -1 && value != 0;
}

#define NUMBER(value)  ((long)(value))
#define POINTER(value) any((long)(intptr_t)(value))
#define OPENED(value)  any((long)(value) + 1)

static void tell(long result)
{
    int error = errno;
    say("%ld %d\n", result, error);
    errno = SYS_ERRNO;
}

/* How the call is made well, then badly. */
#define TRY(name, well, badly)   \
    static void try_##name(void) \
    {                            \
        tell(well);              \
        tell(badly);             \
    }

static int call_vfprintf(FILE *stream, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int result = vfprintf(stream, format, list);
    va_end(list);
    return result;
}

static int call_vfprintf_chk(FILE *stream, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int result = __vfprintf_chk(stream, 1, format, list);
    va_end(list);
    return result;
}

/* A child that ends at once. */
static pid_t child(void)
{
    long pid = syscall(SYS_fork);
    if (pid == 0) {
        syscall(SYS_exit_group, 3);
    }
    return (pid_t)pid;
}

/* Counts that the kernel refuses; set at run time, or the compiler refuses them first. */
static int few, many;

static siginfo_t info;
static int status;
static off64_t at;
static fpos_t place;
static fpos64_t place64;

TRY(open, OPENED(open("new", O_WRONLY | O_CREAT, 0600)), NUMBER(open("no/new", O_WRONLY | O_CREAT, 0600)))
TRY(open64, OPENED(open64("new", O_WRONLY | O_CREAT, 0600)),
    NUMBER(open64("no/new", O_WRONLY | O_CREAT, 0600)))
TRY(openat, OPENED(openat(folder, "new", O_WRONLY | O_CREAT, 0600)), NUMBER(openat(-1, "new", O_WRONLY)))
TRY(openat64, OPENED(openat64(folder, "new", O_WRONLY | O_CREAT, 0600)),
    NUMBER(openat64(-1, "new", O_WRONLY)))
TRY(__open_2, OPENED(__open_2("old", O_WRONLY | O_TRUNC)), NUMBER(__open_2("no/new", O_WRONLY)))
TRY(__open64_2, OPENED(__open64_2("old", O_WRONLY)), NUMBER(__open64_2("no/new", O_WRONLY)))
TRY(__openat_2, OPENED(__openat_2(folder, "old", O_WRONLY)), NUMBER(__openat_2(-1, "old", O_WRONLY)))
TRY(__openat64_2, OPENED(__openat64_2(folder, "old", O_WRONLY)), NUMBER(__openat64_2(-1, "old", O_WRONLY)))
TRY(creat, OPENED(creat("new", 0600)), NUMBER(creat("no/new", 0600)))
TRY(creat64, OPENED(creat64("new", 0600)), NUMBER(creat64("no/new", 0600)))
TRY(fopen, POINTER(fopen("new", "w")), POINTER(fopen("no/new", "w")))
TRY(fopen64, POINTER(fopen64("new", "a")), POINTER(fopen64("no/new", "a")))
TRY(freopen, POINTER(freopen("new", "w", out)), POINTER(freopen("no/new", "w", in)))
TRY(freopen64, POINTER(freopen64("new", "w", out)), POINTER(freopen64("no/new", "w", in)))
TRY(write, NUMBER(write(file, block, SIZE)), NUMBER(write(reader, block, SIZE)))
TRY(pwrite, NUMBER(pwrite(file, block, SIZE, 7)), NUMBER(pwrite(reader, block, SIZE, 7)))
TRY(pwrite64, NUMBER(pwrite64(file, block, SIZE, 7)), NUMBER(pwrite64(reader, block, SIZE, 7)))
TRY(writev, NUMBER(writev(file, parts, 2)), NUMBER(writev(file, parts, few)))
TRY(pwritev, NUMBER(pwritev(file, parts, 2, 7)), NUMBER(pwritev(file, parts, few, 7)))
TRY(pwritev64, NUMBER(pwritev64(file, parts, 2, 7)), NUMBER(pwritev64(reader, parts, 2, 7)))
TRY(pwritev2, NUMBER(pwritev2(file, parts, 2, 7, RWF_DSYNC)), NUMBER(pwritev2(file, parts, 2, 7, 1 << 30)))
TRY(pwritev64v2, NUMBER(pwritev64v2(file, parts, 2, -1, 0)), NUMBER(pwritev64v2(file, parts, 2, 7, 1 << 30)))
TRY(send, NUMBER(send(sockets[0], block, SIZE, 0)), NUMBER(send(file, block, SIZE, 0)))
TRY(sendto, NUMBER(sendto(sockets[0], block, SIZE, 0, NULL, 0)), NUMBER(sendto(-1, block, SIZE, 0, NULL, 0)))
TRY(sendmsg, NUMBER(sendmsg(sockets[0], &message, 0)), NUMBER(sendmsg(-1, &message, 0)))
TRY(vmsplice, NUMBER(vmsplice(pipes[1], parts, 2, 0)), NUMBER(vmsplice(file, parts, 2, 0)))
TRY(sendfile, NUMBER(sendfile(file, reader, NULL, SIZE)), NUMBER(sendfile(-1, reader, NULL, SIZE)))
TRY(sendfile64, NUMBER(sendfile64(file, reader, NULL, SIZE)), NUMBER(sendfile64(-1, reader, NULL, SIZE)))
TRY(splice, NUMBER(splice(pipes[0], NULL, file, &at, SIZE, 0)), NUMBER(splice(-1, NULL, file, NULL, SIZE, 0)))
TRY(copy_file_range, NUMBER(copy_file_range(reader, NULL, file, NULL, SIZE, 0)),
    NUMBER(copy_file_range(-1, NULL, file, NULL, SIZE, 0)))

TRY(read, NUMBER(read(reader, block, SIZE)), NUMBER(read(-1, block, SIZE)))
TRY(pread, NUMBER(pread(reader, block, SIZE, 1)), NUMBER(pread(-1, block, SIZE, 1)))
TRY(pread64, NUMBER(pread64(reader, block, SIZE, 1)), NUMBER(pread64(-1, block, SIZE, 1)))
TRY(readv, NUMBER(readv(reader, parts, 2)), NUMBER(readv(reader, parts, many)))
TRY(preadv, NUMBER(preadv(reader, parts, 2, 1)), NUMBER(preadv(-1, parts, 2, 1)))
TRY(preadv64, NUMBER(preadv64(reader, parts, 2, 1)), NUMBER(preadv64(-1, parts, 2, 1)))
TRY(recv, NUMBER(recv(sockets[1], block, SIZE, MSG_DONTWAIT)), NUMBER(recv(-1, block, SIZE, 0)))
TRY(recvfrom, NUMBER(recvfrom(sockets[1], block, SIZE, MSG_DONTWAIT, NULL, NULL)),
    NUMBER(recvfrom(-1, block, SIZE, 0, NULL, NULL)))
TRY(recvmsg, NUMBER(recvmsg(sockets[1], &message, MSG_DONTWAIT)), NUMBER(recvmsg(-1, &message, 0)))
TRY(__read_chk, NUMBER(__read_chk(reader, block, SIZE, 100)), NUMBER(__read_chk(-1, block, SIZE, 100)))
TRY(__pread_chk, NUMBER(__pread_chk(reader, block, SIZE, 1, 100)),
    NUMBER(__pread_chk(-1, block, SIZE, 1, 100)))
TRY(__pread64_chk, NUMBER(__pread64_chk(reader, block, SIZE, 1, 100)),
    NUMBER(__pread64_chk(-1, block, SIZE, 1, 9)))
TRY(__recv_chk, NUMBER(__recv_chk(sockets[1], block, SIZE, 100, MSG_DONTWAIT)),
    NUMBER(__recv_chk(-1, block, SIZE, 100, 0)))
TRY(__recvfrom_chk, NUMBER(__recvfrom_chk(sockets[1], block, SIZE, 100, MSG_DONTWAIT, NULL, NULL)),
    NUMBER(__recvfrom_chk(-1, block, SIZE, 100, 0, NULL, NULL)))
TRY(fread, NUMBER(fread(block, 1, SIZE, in)), NUMBER(fread(block, 1, SIZE, out)))
TRY(fread_unlocked, NUMBER(fread_unlocked(block, 1, SIZE, in)), NUMBER(fread_unlocked(block, 1, SIZE, out)))
TRY(__fread_chk, NUMBER(__fread_chk(block, 100, 1, SIZE, in)), NUMBER(__fread_chk(block, 100, 1, SIZE, out)))
TRY(__fread_unlocked_chk, NUMBER(__fread_unlocked_chk(block, 100, 1, SIZE, in)),
    NUMBER(__fread_unlocked_chk(block, 100, 1, SIZE, out)))

TRY(fwrite, NUMBER(fwrite(block, 1, SIZE, out)), NUMBER(fwrite(block, 1, SIZE, in)))
TRY(fwrite_unlocked, NUMBER(fwrite_unlocked(block, 1, SIZE, out)),
    NUMBER(fwrite_unlocked(block, 1, SIZE, in)))
TRY(fputs, NUMBER(any(fputs("12345", out))), NUMBER(fputs("12345", in)))
TRY(fputs_unlocked, NUMBER(any(fputs_unlocked("12345", out))), NUMBER(fputs_unlocked("12345", in)))
TRY(fputc, NUMBER(fputc('a', out)), NUMBER(fputc('a', in)))
TRY(putc, NUMBER(putc('a', out)), NUMBER(putc('a', in)))
TRY(fputc_unlocked, NUMBER(fputc_unlocked('a', out)), NUMBER(fputc_unlocked('a', in)))
TRY(__overflow, NUMBER(__overflow(out, 'a')), NUMBER(__overflow(in, 'a')))
TRY(fprintf, NUMBER(fprintf(out, "%d", 12345)), NUMBER(fprintf(in, "%d", 12345)))
TRY(__fprintf_chk, NUMBER(__fprintf_chk(out, 1, "%d", 12345)), NUMBER(__fprintf_chk(in, 1, "%d", 12345)))
TRY(vfprintf, NUMBER(call_vfprintf(out, "%d", 12345)), NUMBER(call_vfprintf(in, "%d", 12345)))
TRY(__vfprintf_chk, NUMBER(call_vfprintf_chk(out, "%d", 12345)), NUMBER(call_vfprintf_chk(in, "%d", 12345)))

/* What a buffer of stdio must be emptied for. */
static FILE *filled(void)
{
    fwrite(block, 1, SIZE, out);
    return out;
}
TRY(fflush, NUMBER(fflush(filled())), NUMBER(fflush(NULL)))
TRY(fflush_unlocked, NUMBER(fflush_unlocked(filled())), NUMBER(fflush_unlocked(in)))
TRY(fclose, NUMBER(fclose(filled())), NUMBER(fclose(in)))
TRY(fcloseall, NUMBER(any((long)(intptr_t)filled())), NUMBER(fcloseall()))
TRY(fseek, NUMBER(fseek(filled(), 0, SEEK_SET)), NUMBER(fseek(in, 0, 99)))
TRY(fseeko, NUMBER(fseeko(filled(), 0, SEEK_SET)), NUMBER(fseeko(in, 0, 99)))
TRY(fseeko64, NUMBER(fseeko64(filled(), 0, SEEK_SET)), NUMBER(fseeko64(in, 0, 99)))
TRY(fsetpos, NUMBER(fsetpos(filled(), &place)), NUMBER(any(fsetpos(in, &place) + 1)))
TRY(fsetpos64, NUMBER(fsetpos64(filled(), &place64)), NUMBER(any(fsetpos64(in, &place64) + 1)))
TRY(rewind, (rewind(filled()), 0L), (rewind(in), 0L))

TRY(ftruncate, NUMBER(ftruncate(file, 3)), NUMBER(ftruncate(reader, 3)))
TRY(ftruncate64, NUMBER(ftruncate64(file, 3)), NUMBER(ftruncate64(reader, 3)))
TRY(truncate, NUMBER(truncate("old", 3)), NUMBER(truncate("no/old", 3)))
TRY(truncate64, NUMBER(truncate64("old", 3)), NUMBER(truncate64("no/old", 3)))
TRY(fsync, NUMBER(fsync(file)), NUMBER(fsync(pipes[1])))
TRY(fdatasync, NUMBER(fdatasync(file)), NUMBER(fdatasync(-1)))
TRY(syncfs, NUMBER(syncfs(file)), NUMBER(syncfs(-1)))
TRY(sync, (sync(), 0L), 0L)

static void *mapping(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}
TRY(mmap, POINTER(mapping()), POINTER(mmap(NULL, 0, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)))
TRY(mmap64, POINTER(mmap64(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)),
    POINTER(mmap64(NULL, 4096, PROT_READ, MAP_PRIVATE, reader, 0)))
TRY(msync, NUMBER(msync(mapping(), 4096, MS_SYNC)), NUMBER(msync((void *)1, 4096, MS_SYNC)))

/* Sizes that no allocator can have. */
static size_t huge;
static void *room;
TRY(shm_open, NUMBER(shm_open("/vdifault-test-sys", O_RDWR, 0)), NUMBER(shm_open("/no/name", O_RDWR, 0)))
TRY(memfd_create, NUMBER(memfd_create("x", 0) > 0), NUMBER(memfd_create("x", ~0u)))
TRY(posix_fallocate, NUMBER(posix_fallocate(file, 0, 10)), NUMBER(posix_fallocate(-1, 0, 10)))
TRY(posix_fallocate64, NUMBER(posix_fallocate64(file, 0, 10)), NUMBER(posix_fallocate64(file, 0, 0)))
TRY(fallocate, NUMBER(fallocate(file, 0, 0, 10)), NUMBER(fallocate(reader, 0, 0, 10)))
TRY(fallocate64, NUMBER(fallocate64(file, 0, 0, 10)), NUMBER(fallocate64(-1, 0, 0, 10)))
TRY(malloc, POINTER(malloc(10)), POINTER(malloc(huge)))
TRY(calloc, POINTER(calloc(2, 10)), POINTER(calloc(huge, 10)))
TRY(realloc, POINTER(realloc(malloc(1), 10)), POINTER(realloc(NULL, huge)))
TRY(reallocarray, POINTER(reallocarray(malloc(1), 2, 10)), POINTER(reallocarray(NULL, huge, 10)))
TRY(memalign, POINTER(memalign(64, 10)), POINTER(memalign(64, huge)))
TRY(aligned_alloc, POINTER(aligned_alloc(64, 64)), POINTER(aligned_alloc(64, huge)))
TRY(posix_memalign, NUMBER(posix_memalign(&room, 64, 10)), NUMBER(posix_memalign(&room, 64, huge)))
TRY(valloc, POINTER(valloc(10)), POINTER(valloc(huge)))
TRY(pvalloc, POINTER(pvalloc(10)), POINTER(pvalloc(huge)))

TRY(rename, NUMBER(rename("old", "new")), NUMBER(rename("no", "new")))
TRY(renameat, NUMBER(renameat(folder, "old", folder, "new")), NUMBER(renameat(folder, "no", folder, "new")))
TRY(renameat2, NUMBER(renameat2(folder, "old", folder, "new", 0)),
    NUMBER(renameat2(folder, "no", folder, "new", 0)))
TRY(link, NUMBER(link("old", "new")), NUMBER(link("no", "new")))
TRY(linkat, NUMBER(linkat(folder, "old", folder, "new", 0)), NUMBER(linkat(folder, "no", folder, "new", 0)))
TRY(unlink, NUMBER(unlink("old")), NUMBER(unlink("no")))
TRY(unlinkat, NUMBER(unlinkat(folder, "old", 0)), NUMBER(unlinkat(folder, "no", 0)))
TRY(remove, NUMBER(remove("old")), NUMBER(remove("no")))
TRY(close, NUMBER(close(file)), NUMBER(close(-1)))

static void wait_well(pid_t pid, pid_t got)
{
    tell(pid == got && pid > 0);
}
static void try_wait(void)
{
    pid_t pid = child();
    wait_well(pid, wait(NULL));
    tell(wait(&status));
}
static void try_waitpid(void)
{
    pid_t pid = child();
    wait_well(pid, waitpid(pid, &status, 0));
    say("%d\n", WEXITSTATUS(status));
    tell(waitpid(-1, NULL, WNOHANG));
}
static void try_wait3(void)
{
    pid_t pid = child();
    wait_well(pid, wait3(NULL, 0, NULL));
    tell(wait3(&status, 0, NULL));
}
static void try_wait4(void)
{
    pid_t pid = child();
    wait_well(pid, wait4(pid, NULL, 0, NULL));
    tell(wait4(pid, &status, 0, NULL));
}
static void try_waitid(void)
{
    pid_t pid = child();
    tell(waitid(P_PID, (id_t)pid, &info, WEXITED));
    say("%d %d\n", info.si_pid == pid, info.si_status);
    tell(waitid(P_PID, (id_t)pid, NULL, WEXITED));
}

static const struct {
    const char *name;
    void (*try)(void);
} rows[] = {
#define SYS_CALL(type, failed, name, parameters, when, next, arguments, prepare, before, after) \
    {#name, try_##name},
#define SYS_VOID(name, parameters, when, arguments, before, after) {#name, try_##name},
#include "sys.def"
};

static void prepare(void)
{
    char *guards = dlsym(RTLD_DEFAULT, "fake_guard_block");
    block = guards != NULL ? guards : own_block;
    memcpy(block, "abcdefghijkl", 12);
    parts[0] = (struct iovec){block, 2};
    parts[1] = (struct iovec){block + 2, 3};
    message = (struct msghdr){.msg_iov = parts, .msg_iovlen = 2};
    file = raw_open("old", O_RDWR | O_CREAT);
    reader = raw_open("source", O_RDWR | O_CREAT);
    syscall(SYS_write, reader, block, 12);
    syscall(SYS_close, reader);
    reader = raw_open("source", O_RDONLY);
    syscall(SYS_ftruncate, file, 4096L);
    folder = raw_open(".", O_RDONLY | O_DIRECTORY);
    syscall(SYS_pipe2, pipes, 0);
    syscall(SYS_write, pipes[1], block, SIZE);
    syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, sockets);
    syscall(SYS_write, sockets[0], block, SIZE);
    out = fdopen(raw_open("stream", O_WRONLY | O_CREAT), "w");
    in = fdopen(raw_open("source", O_RDONLY), "r");
    fgetpos(in, &place);
    fgetpos64(in, &place64);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    few = 2 - argc;
    huge = (size_t)argc << 60;
    many = argc * 100000;
    results = raw_open(argv[2], O_WRONLY | O_CREAT | O_TRUNC);
    prepare();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, argv[1]) == 0) {
            const char *log = dlsym(RTLD_DEFAULT, "fake_guard_log");
            errno = SYS_ERRNO;
            rows[i].try();
            if (log != NULL) {
                say("touched %s\n", log);
            }
            syscall(SYS_exit_group, 0); /* nothing is flushed that a row did not flush */
        }
    }
    return 3;
}
