/* client_file.c - finds the client and reads its ELF header. */
#include "client_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "program_file.h"

enum {
    PROGRAM_HEADERS_MAX = 128,
    SECTIONS_MAX = 512
};

#define PROFILE_SECTION "__llvm_prf_cnts"

/* As execvp does: the first file on PATH that may be run. */
static int search_path(const char *name, char *path)
{
    const char *at = getenv("PATH");
    bool denied = false;
    if (at == NULL) {
        at = "/usr/local/bin:/usr/bin:/bin";
    }
    for (;; at++) {
        int length = (int)strcspn(at, ":");
        struct stat info;
        int size = snprintf(path, RUN_PATH_MAX, "%.*s%s%s", length, at, length > 0 ? "/" : "./", name);
        if (size < RUN_PATH_MAX && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            if (access(path, X_OK) == 0) {
                return 0;
            }
            denied = true;
        }
        at += length;
        if (*at == '\0') {
            return denied ? EACCES : ENOENT;
        }
    }
}

static int check_runnable(const char *path, char *why, size_t size)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        snprintf(why, size, "client '%s': %s", path, errno == ENOENT ? "not found" : strerror(errno));
        return -1;
    }
    if (!S_ISREG(info.st_mode)) {
        snprintf(why, size, "client '%s' is no file; expected a program", path);
        return -1;
    }
    if (access(path, X_OK) != 0) {
        snprintf(why, size, "client '%s' is not executable (chmod +x?)", path);
        return -1;
    }
    if ((info.st_mode & S_ISUID) != 0 && info.st_uid != geteuid()) {
        snprintf(why, size, "client '%s' is set-user-ID: the system ignores LD_PRELOAD for it", path);
        return -1;
    }
    return 0;
}

/* Finds PT_INTERP. */
static int read_interpreter(int fd, const Elf64_Ehdr *header, char *interpreter)
{
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > PROGRAM_HEADERS_MAX) {
        return -1;
    }
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr row;
        off_t at = (off_t)(header->e_phoff + i * sizeof row);
        if (pread(fd, &row, sizeof row, at) != (ssize_t)sizeof row) {
            return -1;
        }
        if (row.p_type == PT_INTERP && row.p_filesz > 0 && row.p_filesz < RUN_PATH_MAX &&
            pread(fd, interpreter, row.p_filesz, (off_t)row.p_offset) == (ssize_t)row.p_filesz) {
            interpreter[row.p_filesz] = '\0';
            return 0;
        }
    }
    return -1;
}

static bool read_section(int fd, const Elf64_Ehdr *header, unsigned index, Elf64_Shdr *section)
{
    off_t at = (off_t)(header->e_shoff + index * sizeof *section);
    return pread(fd, section, sizeof *section, at) == (ssize_t)sizeof *section;
}

static bool has_profile(int fd, const Elf64_Ehdr *header)
{
    Elf64_Shdr names, section;
    bool found = false;
    if (header->e_shentsize != sizeof names || header->e_shnum > SECTIONS_MAX ||
        header->e_shstrndx >= header->e_shnum || !read_section(fd, header, header->e_shstrndx, &names)) {
        return false;
    }
    for (unsigned i = 0; !found && i < header->e_shnum && read_section(fd, header, i, &section); i++) {
        char name[sizeof PROFILE_SECTION];
        found = pread(fd, name, sizeof name, (off_t)(names.sh_offset + section.sh_name)) ==
                    (ssize_t)sizeof name &&
                memcmp(name, PROFILE_SECTION, sizeof name) == 0;
    }
    return found;
}

static int check_elf(struct client_file *file, char *why, size_t size)
{
    Elf64_Ehdr header;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0; /* may be run but not read: the system decides */
    }
    int result = 0;
    ssize_t got = pread(fd, &header, sizeof header, 0);
    if (got < SELFMAG || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        goto out; /* a script */
    }
    if (got < (ssize_t)sizeof header || header.e_ident[EI_CLASS] != ELFCLASS64) {
        snprintf(why, size, "client '%s' is no 64-bit program: it cannot load libvdifault.so", file->path);
        result = -1;
    } else if (read_interpreter(fd, &header, file->interpreter) != 0) {
        snprintf(
            why, size,
            "client '%s' is a static program (no PT_INTERP): it loads no libraries, so it cannot be wrapped;"
            " link it dynamically against libsqlvdi.so",
            file->path);
        result = -1;
    }
    file->is_go = program_is_go(fd);
    file->is_profiled = result == 0 && has_profile(fd, &header);
out:
    close(fd);
    return result;
}

int client_file_find(const char *name, struct client_file *file, char *why, size_t size)
{
    *file = (struct client_file){0};
    if (strchr(name, '/') != NULL) {
        if (snprintf(file->path, sizeof file->path, "%s", name) >= (int)sizeof file->path) {
            snprintf(why, size, "client: the path is too long");
            return -1;
        }
    } else {
        int error = name[0] == '\0' ? ENOENT : search_path(name, file->path);
        if (error != 0) {
            snprintf(why, size, "client '%s': %s on PATH", name,
                     error == EACCES ? "not executable" : "not found");
            return -1;
        }
    }
    return check_runnable(file->path, why, size) != 0 ? -1 : check_elf(file, why, size);
}

/* A line of --list: "\tlibsqlvdi.so => /path (0x...)", or "=> not found". */
static bool line_finds_vdi(const char *line, char path[RUN_PATH_MAX])
{
    const char *hit = strstr(line, "libsqlvdi.so");
    const char *arrow = hit != NULL ? strstr(hit, "=> ") : NULL;
    if (arrow == NULL || arrow[3] != '/') {
        return false;
    }
    const char *end = strstr(arrow, " (0x");
    int length = end != NULL ? (int)(end - arrow) - 3 : (int)strcspn(arrow + 3, "\n");
    snprintf(path, RUN_PATH_MAX, "%.*s", length, arrow + 3);
    return true;
}

bool client_file_find_vdi(const struct client_file *file, char path[RUN_PATH_MAX])
{
    int ends[2];
    bool found = false;
    if (file->interpreter[0] == '\0' || pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(file->interpreter, file->interpreter, "--list", file->path, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    FILE *list = fdopen(ends[0], "r");
    if (list != NULL) {
        char *line = NULL;
        size_t capacity = 0;
        while (getline(&line, &capacity, list) > 0) {
            found = found || line_finds_vdi(line, path);
        }
        free(line);
        fclose(list);
    } else {
        close(ends[0]);
    }
    if (pid > 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    return found;
}
