/* files.c - see sys.h: events of descriptors, names and children. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event.h"
#include "sys.h"
#include "witness.h"

#ifndef RWF_DSYNC /* linux/fs.h has them, and much that clashes */
#define RWF_DSYNC 0x2
#define RWF_SYNC  0x4
#endif

enum {
    TEXT_MAX = EVENT_TEXT_MAX
};

#pragma weak vdifault_record /* not called unless vdifault_sees said so */
#pragma weak vdifault_is_scratch

/* ---- what the kernel says: by system calls, as a sanitizer would take the C library's for the client's ---- */

/* Device, inode and time of birth: an inode's number is given again as soon as a file is gone. */
static uint64_t identify(const struct statx *info)
{
    const uint64_t parts[] = {info->stx_dev_major, info->stx_dev_minor, info->stx_ino,
                              (info->stx_mask & STATX_BTIME) != 0 ? (uint64_t)info->stx_btime.tv_sec : 0,
                              (info->stx_mask & STATX_BTIME) != 0 ? info->stx_btime.tv_nsec : 0};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        hash = (hash ^ parts[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    hash &= INT64_MAX; /* negative numbers are errors */
    return hash != 0 ? hash : 1;
}

static int type_of_mode(unsigned mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return FILE_REGULAR;
    case S_IFDIR:
        return FILE_DIRECTORY;
    case S_IFIFO:
        return FILE_PIPE;
    case S_IFSOCK:
        return FILE_SOCKET;
    case S_IFBLK:
    case S_IFCHR:
        return FILE_DEVICE;
    default:
        return FILE_OTHER;
    }
}

static void ask(int folder, const char *path, int flags, struct sys_file *file)
{
    struct statx info;
    const unsigned wanted = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_NLINK | STATX_BTIME;
    *file = (struct sys_file){0};
    if (path == NULL || syscall(SYS_statx, folder, path, flags, wanted, &info) != 0) {
        return;
    }
    file->identity = identify(&info);
    file->size = (int64_t)info.stx_size;
    file->links = info.stx_nlink;
    file->type = type_of_mode(info.stx_mode);
}

void file_of_descriptor(int descriptor, struct sys_file *file)
{
    *file = (struct sys_file){0};
    if (descriptor >= 0) {
        ask(descriptor, "", AT_EMPTY_PATH, file);
    }
}

void file_of_path(int folder, const char *path, bool follow, struct sys_file *file)
{
    ask(folder, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, file);
}

int file_flags(int descriptor)
{
    long flags = syscall(SYS_fcntl, descriptor, F_GETFL);
    return flags < 0 ? 0 : (int)flags;
}

int64_t file_offset(int descriptor)
{
    return (int64_t)syscall(SYS_lseek, descriptor, 0L, SEEK_CUR);
}

bool file_is_sink(int descriptor, const struct sys_file *file)
{
    return file->type == FILE_REGULAR && (file_flags(descriptor) & O_ACCMODE) != O_RDONLY;
}

static size_t read_link(const char *path, char *text, size_t size)
{
    long length = syscall(SYS_readlinkat, AT_FDCWD, path, text, size - 1);
    text[length > 0 ? length : 0] = '\0';
    return length > 0 ? (size_t)length : 0;
}

/* Appends, as far as there is room. */
static void append(char *text, size_t size, const char *more)
{
    size_t used = strlen(text);
    size_t length = strnlen(more, size - used - 1);
    memcpy(text + used, more, length);
    text[used + length] = '\0';
}

/* "/proc/self/fd/N" */
static void name_descriptor(int descriptor, char name[32])
{
    char digits[12];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + descriptor % 10);
        descriptor /= 10;
    } while (descriptor > 0);
    strcpy(name, "/proc/self/fd/");
    strcat(name, digits + at);
}

static void path_of_descriptor(int descriptor, char *text, size_t size)
{
    char name[32];
    name_descriptor(descriptor, name);
    read_link(name, text, size);
}

static void absolute_path(int folder, const char *path, char *text, size_t size)
{
    text[0] = '\0';
    if (path[0] != '/') {
        if (folder == AT_FDCWD) {
            read_link("/proc/self/cwd", text, size);
        } else {
            path_of_descriptor(folder, text, size);
        }
        append(text, size, "/");
    }
    append(text, size, path);
}

static uint64_t folder_of_path(int folder, const char *path)
{
    struct sys_file file;
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof name) {
        return 0;
    }
    memcpy(name, length > 0 ? path : ".", length > 0 ? length : 1);
    name[length > 0 ? length : 1] = '\0';
    file_of_path(folder, name, true, &file);
    return file.identity;
}

/* ---- events ---- */

uint64_t file_record(const struct sys_call *call, int action, int64_t offset, int64_t length, int64_t result,
                     uint64_t link, const char *text)
{
    struct event event = {.kind = EVENT_FILE,
                          .side = EVENT_SIDE_CLIENT,
                          .device = -1,
                          .operation = -1,
                          .call = link,
                          .arg = {action, call->descriptor, (int64_t)call->file.identity, offset, length,
                                  result, call->file.type}};
    return vdifault_record(&event, text);
}

void file_opens(struct sys_call *call, int folder, const char *path, int flags)
{
    if (path == NULL) {
        return;
    }
    file_of_path(folder, path, true, &call->file);
    if (call->file.type == 0 && (flags & O_CREAT) != 0) {
        call->folder = folder_of_path(folder, path);
    }
}

void file_opened(struct sys_call *call, int descriptor, int flags)
{
    char path[TEXT_MAX];
    file_of_descriptor(descriptor, &call->file);
    if (!file_is_sink(descriptor, &call->file)) {
        return;
    }
    call->descriptor = descriptor;
    path_of_descriptor(descriptor, path, sizeof path);
    file_record(call, FILE_OPEN, call->file.size, flags, (int64_t)call->folder, 0, path);
}

/* Where the bytes went. What appends goes to the end, whatever offset was given. */
static int64_t place_of_write(const struct sys_call *call, int descriptor, int64_t at, int flags,
                              int64_t written)
{
    if (at == SYS_HERE) {
        int64_t offset = file_offset(descriptor);
        return offset >= written ? offset - written : -1;
    }
    return (flags & O_APPEND) != 0 ? call->file.size - written : at;
}

void file_wrote(struct sys_call *call, int descriptor, size_t size, int64_t at, int flags, ssize_t result)
{
    file_of_descriptor(descriptor, &call->file);
    if (call->file.type != FILE_REGULAR && call->fetch == 0) {
        return;
    }
    int open_flags = call->file.type == FILE_REGULAR ? file_flags(descriptor) : 0;
    bool synced = (open_flags & O_DSYNC) != 0 || (flags & (RWF_DSYNC | RWF_SYNC)) != 0;
    int64_t written = result >= 0 ? result : -call->error;
    int64_t place = result > 0 && call->file.type == FILE_REGULAR
                        ? place_of_write(call, descriptor, at, open_flags, written)
                        : -1;
    call->descriptor = descriptor;
    file_record(call, synced && result > 0 ? FILE_WRITE_SYNCED : FILE_WRITE, place,
                (int64_t)(size + call->cut), written, call->fetch, NULL);
}

void file_truncated(struct sys_call *call, int descriptor, int64_t length, int result)
{
    if (call->file.type == FILE_REGULAR) {
        call->descriptor = descriptor;
        file_record(call, FILE_TRUNCATE, call->file.size, length, result == 0 ? 0 : -call->error, 0, NULL);
    }
}

/* Pipes and terminals cannot be synced, and some try. */
void file_syncs(struct sys_call *call, int descriptor)
{
    file_of_descriptor(descriptor, &call->file);
    if (call->file.type != FILE_REGULAR && call->file.type != FILE_DIRECTORY &&
        call->file.type != FILE_DEVICE) {
        return;
    }
    call->descriptor = descriptor;
    call->begin = file_record(call, FILE_SYNC_BEGIN, -1, 0, 0, 0, NULL);
}

void file_sync_spared(struct sys_call *call, int descriptor)
{
    char path[PATH_MAX];
    bool is_synced = call->file.type == FILE_REGULAR || call->file.type == FILE_DIRECTORY;
    if (call->begin == 0 || call->fate != SYS_GOES_ON || !is_synced || vdifault_is_scratch == NULL ||
        (file_flags(descriptor) & O_PATH) != 0) {
        return;
    }
    path_of_descriptor(descriptor, path, sizeof path);
    if (vdifault_is_scratch(path)) {
        call->fate = SYS_IS_SPARED;
    }
}

void file_syncs_unknown(struct sys_call *call)
{
    call->begin = file_record(call, FILE_SYNC_BEGIN, -1, 0, 0, 0, NULL);
}

void file_synced(struct sys_call *call, int action, int result)
{
    if (call->begin != 0) {
        file_record(call, action, -1, 0, result == 0 ? 0 : -call->error, call->begin, NULL);
    }
}

void file_mapped(struct sys_call *call, int descriptor, int64_t at, size_t size)
{
    file_of_descriptor(descriptor, &call->file);
    if (call->file.type == FILE_REGULAR) {
        call->descriptor = descriptor;
        file_record(call, FILE_MAP, at, (int64_t)size, 0, 0, NULL);
    }
}

void file_named(struct sys_call *call, int from_folder, const char *from, int to_folder, const char *to)
{
    char paths[TEXT_MAX];
    if (call->file.type != FILE_REGULAR) {
        return;
    }
    absolute_path(from_folder, from, paths, sizeof paths / 2);
    append(paths, sizeof paths, "\n");
    size_t used = strlen(paths);
    absolute_path(to_folder, to, paths + used, sizeof paths - used);
    file_record(call, FILE_RENAME, -1, 0, (int64_t)folder_of_path(to_folder, to), 0, paths);
}

void file_unlinked(struct sys_call *call)
{
    if (call->file.type == FILE_REGULAR) {
        file_record(call, FILE_UNLINK, -1, (int64_t)call->file.links - 1, 0, 0, NULL);
    }
}

void file_closes(struct sys_call *call, int descriptor)
{
    file_of_descriptor(descriptor, &call->file);
    call->descriptor = file_is_sink(descriptor, &call->file) ? descriptor : -1;
}

void file_closed(struct sys_call *call)
{
    if (call->descriptor >= 0) {
        file_record(call, FILE_CLOSE, -1, 0, -call->failure, 0, NULL);
    }
}

/* ---- children ---- */

static void record_exit(pid_t pid, int status, int signal)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT,
                          .side = EVENT_SIDE_CLIENT,
                          .device = -1,
                          .operation = -1,
                          .process = (uint32_t)pid,
                          .arg = {status, signal, PROCESS_DESCENDANT, 0}};
    vdifault_record(&event, NULL);
}

void process_waited(pid_t pid, int status)
{
    if (pid > 0 && WIFEXITED(status)) {
        record_exit(pid, WEXITSTATUS(status), 0);
    } else if (pid > 0 && WIFSIGNALED(status)) {
        record_exit(pid, -1, WTERMSIG(status));
    }
}

void process_waited_id(const siginfo_t *info)
{
    if (info->si_pid > 0 && info->si_code == CLD_EXITED) {
        record_exit(info->si_pid, info->si_status, 0);
    } else if (info->si_pid > 0 && (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)) {
        record_exit(info->si_pid, -1, info->si_status);
    }
}
