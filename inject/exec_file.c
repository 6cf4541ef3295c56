/* exec_file.c - see exec_file.h. */
#include "exec_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "inject.h"
#include "program_file.h"
#include "runstate.h"
#include "servers.h"

enum {
    PROGRAM_HEADERS_MAX = 128,
    SCRIPTS_MAX = 4 /* "#!" of one that begins with "#!": as deep as the system goes */
};

enum unseen {
    UNSEEN_NOT,
    UNSEEN_STATIC,
    UNSEEN_NARROW,
    UNSEEN_PRIVILEGED,
    UNSEEN_GO
};

static const char *const sentences[] = {
    [UNSEEN_STATIC] =
        "is a static program: it loads no libvdifault.so, and what it does is not seen; link it "
        "dynamically",
    [UNSEEN_NARROW] = "is no 64-bit program: it cannot load libvdifault.so, and what it does is not seen",
    [UNSEEN_GO] =
        "is a Go program: it connects past the C library, so that --tds cannot send its connections to the "
        "simulated server; give it {tds} as the address",
    [UNSEEN_PRIVILEGED] =
        "has rights of its own (set-user-ID, set-group-ID or capabilities): LD_PRELOAD is taken from "
        "it, and what it and its children do is not seen; do without it, with vdifault run as the "
        "user that it would become",
};

/* ---- the file ---- */

/* Who is given the port of --tds need not be sent there. */
static bool is_told_port(char *const argv[])
{
    const char *place = run_variable("VDIFAULT_TDS");
    const char *port = place != NULL ? strrchr(place, ':') : NULL;
    bool told = false;
    for (size_t i = 0; port != NULL && argv != NULL && argv[i] != NULL; i++) {
        told = told || strstr(argv[i], port + 1) != NULL;
    }
    return told;
}

static bool join(char path[PATH_MAX], const char *folder, size_t length, const char *name)
{
    int size = snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, folder, length > 0 ? "/" : "./", name);
    return size > 0 && size < PATH_MAX;
}

/* As execvp does. */
static bool find(const char *file, bool search, char path[PATH_MAX])
{
    const char *at = search && strchr(file, '/') == NULL ? getenv("PATH") : NULL;
    bool found = false;
    if (at == NULL) {
        return snprintf(path, PATH_MAX, "%s", file) < PATH_MAX;
    }
    while (!found) {
        size_t length = strcspn(at, ":");
        found = join(path, at, length, file) && access(path, X_OK) == 0;
        at += length;
        if (*at++ == '\0') {
            break;
        }
    }
    return found;
}

static bool has_interpreter(int file, const Elf64_Ehdr *header)
{
    Elf64_Phdr row = {.p_type = PT_NULL};
    for (unsigned i = 0; row.p_type != PT_INTERP && i < header->e_phnum && i < PROGRAM_HEADERS_MAX; i++) {
        off_t at = (off_t)(header->e_phoff + i * sizeof(row));
        if (pread(file, &row, sizeof(row), at) != (ssize_t)sizeof(row)) {
            return true; /* nothing the system would start, either */
        }
    }
    return row.p_type == PT_INTERP;
}

static enum unseen look_at_header(int file, const void *start, size_t length, char *const argv[])
{
    const Elf64_Ehdr *header = start;
    if (length < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return UNSEEN_NOT;
    }
    if (header->e_ident[EI_CLASS] != ELFCLASS64) {
        return UNSEEN_NARROW;
    }
    if (!has_interpreter(file, header)) {
        return UNSEEN_STATIC;
    }
    return servers_are_set() && program_is_go(file) && !is_told_port(argv) ? UNSEEN_GO : UNSEEN_NOT;
}

/* "#! /path argument": the path, in place of the script's. */
static bool take_script(const char *start, size_t length, char path[PATH_MAX])
{
    if (length < 2 || memcmp(start, "#!", 2) != 0) {
        return false;
    }
    const char *from = start + 2 + strspn(start + 2, " \t");
    return snprintf(path, PATH_MAX, "%.*s", (int)strcspn(from, " \t\n"), from) < PATH_MAX;
}

/* A script's rights are not used. */
static bool is_privileged(int file)
{
    struct stat info;
    if (fstat(file, &info) != 0) {
        return false;
    }
    return ((info.st_mode & S_ISUID) != 0 && info.st_uid != geteuid()) ||
           ((info.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && info.st_gid != getegid()) ||
           (geteuid() != 0 && fgetxattr(file, "security.capability", NULL, 0) > 0);
}

/* The program that the system would start: `path` becomes a script's interpreter. */
static enum unseen look(char path[PATH_MAX], char *const argv[])
{
    enum unseen unseen = UNSEEN_NOT;
    bool script = true;
    for (int depth = 0; script && depth <= SCRIPTS_MAX; depth++) {
        _Alignas(Elf64_Ehdr) char start[256];
        int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t got = file >= 0 ? pread(file, start, sizeof(start) - 1, 0) : -1;
        start[got > 0 ? got : 0] = '\0';
        script = got > 0 && take_script(start, (size_t)got, path);
        if (!script && got > 0) {
            unseen = is_privileged(file) ? UNSEEN_PRIVILEGED : look_at_header(file, start, (size_t)got, argv);
        }
        if (file >= 0) {
            close(file);
        }
    }
    return unseen;
}

/* A set-user-ID program may be such that it can be started, but not read. */
static enum unseen look_unread(const char *path)
{
    struct stat info;
    return access(path, R_OK) != 0 && access(path, X_OK) == 0 && stat(path, &info) == 0 &&
                   (info.st_mode & S_ISUID) != 0 && info.st_uid != geteuid()
               ? UNSEEN_PRIVILEGED
               : UNSEEN_NOT;
}

/* ---- the note ---- */

static void record(const char *path, enum unseen unseen)
{
    struct event event = {.kind = EVENT_NOTE, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    char text[EVENT_TEXT_MAX];
    if (run_state_is_recorded() && run_is_first(run_name_hash(path))) {
        event.arg[0] = NOTE_INTERPOSER;
        snprintf(text, sizeof(text), "'%.200s', which the client starts, %s", path, sentences[unseen]);
        event_record(&event, text);
    }
}

static pid_t process;

__attribute__((constructor)) static void note_process(void)
{
    process = getpid();
}

/* A child that is to become the program may still have its parent's memory (vfork): there, what knows the process by
 * its number must not change. A copy of it records, one that sends no signal when it ends. */
static void tell(const char *path, enum unseen unseen)
{
    if (getpid() == process) {
        record(path, unseen);
        return;
    }
    pid_t copy = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
    if (copy == 0) {
        record(path, unseen);
        syscall(SYS_exit_group, 0L);
    }
    while (copy > 0 && waitpid(copy, NULL, __WALL) < 0 && errno == EINTR) {
    }
}

void exec_file_look(const char *file, bool search, char *const argv[])
{
    char path[PATH_MAX];
    const char *trace = run_variable("VDIFAULT_TRACE");
    int saved = errno;
    if (trace != NULL && trace[0] != '\0' && file != NULL && find(file, search, path)) {
        enum unseen unseen = look_unread(path);
        unseen = unseen == UNSEEN_NOT ? look(path, argv) : unseen;
        if (unseen != UNSEEN_NOT) {
            tell(path, unseen);
        }
    }
    errno = saved;
}
