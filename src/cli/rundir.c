/* rundir.c - scratch folder and token. */
#include "rundir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os.h"
#include "parts.h"
#include "text.h"

#define NAMESPACE_FILE "namespace"

enum {
    NAMESPACE_MAX = 64
};

void run_token(char token[RUN_TOKEN_MAX])
{
    struct os_process self = os_process_self();
    snprintf(token, RUN_TOKEN_MAX, "%" PRIu32 "-%" PRIu64, self.pid, self.start_time);
}

/* Reads "<pid>-<start>"; returns what follows, or NULL. */
static const char *parse_token(const char *text, struct os_process *runner)
{
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) {
        return NULL;
    }
    errno = 0;
    unsigned long long pid = strtoull(text, &end, 10);
    if (errno != 0 || pid == 0 || pid > INT32_MAX || *end != '-' || !isdigit((unsigned char)end[1])) {
        return NULL;
    }
    unsigned long long start = strtoull(end + 1, &end, 10);
    if (errno != 0) {
        return NULL;
    }
    *runner = (struct os_process){.pid = (uint32_t)pid, .start_time = start};
    return end;
}

static enum token_state state_of(const struct os_process *runner)
{
    return os_process_alive(runner) ? TOKEN_LIVE : TOKEN_STALE;
}

enum token_state run_token_state(const char *token)
{
    struct os_process runner;
    const char *rest = parse_token(token, &runner);
    return rest == NULL || *rest != '\0' ? TOKEN_NONE : state_of(&runner);
}

/* Reads "vdifault-<token>-..."; returns what follows the token, or NULL. */
static const char *parse_name(const char *name, struct os_process *runner)
{
    if (strncmp(name, RUN_PREFIX, sizeof RUN_PREFIX - 1) != 0) {
        return NULL;
    }
    const char *rest = parse_token(name + sizeof RUN_PREFIX - 1, runner);
    return rest != NULL && *rest == '-' ? rest : NULL;
}

enum token_state run_name_state(const char *name)
{
    struct os_process runner;
    return parse_name(name, &runner) == NULL ? TOKEN_NONE : state_of(&runner);
}

/* "vdifault-<token>-XXXXXX/client": what follows it, or NULL. */
static const char *parse_client_folder(const char *name)
{
    static const char random[] = "-XXXXXX", folder[] = "/" RUN_CLIENT_FOLDER;
    struct os_process runner;
    const char *rest = parse_name(name, &runner);
    if (rest == NULL || strcspn(rest, "/'") != sizeof random - 1 ||
        strncmp(rest + sizeof random - 1, folder, sizeof folder - 1) != 0) {
        return NULL;
    }
    rest += sizeof random - 1 + sizeof folder - 1;
    return *rest == '/' || *rest == '\'' ? rest : NULL;
}

/* What follows the client's folder in a path that a quote ends; NULL: the path is elsewhere. */
static const char *past_client_folder(const char *path)
{
    const char *end = strchr(path, '\'');
    const char *name = strstr(path, "/" RUN_PREFIX);
    const char *rest = NULL;
    while (rest == NULL && name != NULL && end != NULL && name < end) {
        rest = parse_client_folder(name + 1);
        name = strstr(name + 1, "/" RUN_PREFIX);
    }
    return rest;
}

void rundir_contract(char *text)
{
    static const char mark[] = "{run}";
    for (char *quote = strstr(text, "'/"); quote != NULL; quote = strstr(quote + 1, "'/")) {
        const char *rest = past_client_folder(quote + 1);
        if (rest != NULL) { /* the folder's path is longer than the mark */
            memcpy(quote + 1, mark, sizeof mark - 1);
            memmove(quote + sizeof mark, rest, strlen(rest) + 1);
        }
    }
}

/* The folder's path goes into LD_PRELOAD and PATH, whose separators it must not hold. */
const char *rundir_base(void)
{
    const char *base = getenv("TMPDIR");
    return base != NULL && base[0] == '/' && strpbrk(base, PRELOAD_SEPARATORS) == NULL ? base : "/tmp";
}

char *rundir_file(const struct rundir *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir->path, name) < 0 ? NULL : path;
}

char *rundir_expand(const struct rundir *dir, const char *text)
{
    char *folder = rundir_file(dir, RUN_CLIENT_FOLDER);
    const char *port = strchr(dir->tds, ':');
    const struct text_mark marks[] = {
        {"{run}", folder}, {"{tds}", dir->tds}, {"{tds-port}", port != NULL ? port + 1 : ""}};
    char *expanded = folder != NULL ? text_expand(text, marks, port != NULL ? 3 : 1) : NULL;
    free(folder);
    return expanded;
}

/* The process-number space, "pid:[<inode>]"; its length, 0: unknown. */
static size_t own_namespace(char text[NAMESPACE_MAX])
{
    ssize_t length = readlink("/proc/self/ns/pid", text, NAMESPACE_MAX - 1);
    text[length > 0 ? length : 0] = '\0';
    return strlen(text);
}

static bool folder_is_foreign(int folder, const char *own)
{
    char text[NAMESPACE_MAX];
    int fd = openat(folder, NAMESPACE_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    return text[0] != '\0' && strcmp(text, own) != 0;
}

bool rundir_is_foreign(const char *base, const char *name)
{
    char own[NAMESPACE_MAX];
    struct os_process runner;
    const char *rest = parse_name(name, &runner);
    bool foreign = false;
    DIR *folder = rest != NULL && own_namespace(own) > 0 ? opendir(base) : NULL;
    if (folder == NULL) {
        return false;
    }
    for (struct dirent *entry; !foreign && (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, name, (size_t)(rest - name) + 1) != 0) {
            continue;
        }
        int at = openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (at >= 0) {
            foreign = folder_is_foreign(at, own);
            close(at);
        }
    }
    closedir(folder);
    return foreign;
}

static int make_parts(const struct rundir *dir, const struct parts *parts)
{
    static const char *const folders[] = {RUN_CLIENT_FOLDER, "tmp", "trace", "bin", "sanitizer"};
    int at = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0) {
        return errno;
    }
    char space[NAMESPACE_MAX];
    int error = rundir_write(dir, NAMESPACE_FILE, space, own_namespace(space));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && error == 0; i++) {
        error = mkdirat(at, folders[i], 0700) != 0 ? errno : 0;
    }
    if (error == 0 && (symlinkat(parts->stand_in, at, "bin/sqlcmd") != 0 ||
                       symlinkat(parts->stand_in, at, "bin/osql") != 0 ||
                       symlinkat(parts->interposer, at, "bin/libvdifault.so") != 0 ||
                       symlinkat(parts->files, at, "bin/libvdifault-sys.so") != 0)) {
        error = errno;
    }
    close(at);
    return error;
}

int rundir_create(const char *base, const struct parts *parts, struct rundir *dir)
{
    run_token(dir->token);
    int length = snprintf(dir->path, sizeof dir->path, "%s/" RUN_PREFIX "%s-XXXXXX", base, dir->token);
    if (length < 0 || (size_t)length >= sizeof dir->path) {
        return ENAMETOOLONG;
    }
    if (mkdtemp(dir->path) == NULL) {
        dir->path[0] = '\0';
        return errno;
    }
    int error = make_parts(dir, parts);
    if (error != 0) {
        folder_remove(dir->path);
        dir->path[0] = '\0';
    }
    return error;
}

int rundir_write(const struct rundir *dir, const char *name, const char *text, size_t length)
{
    char *path = rundir_file(dir, name);
    if (path == NULL) {
        return ENOMEM;
    }
    int error = 0;
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        error = errno;
        goto out;
    }
    if (fwrite(text, 1, length, file) != length) {
        error = EIO;
    }
    if (fclose(file) != 0 && error == 0) {
        error = errno;
    }
out:
    free(path);
    return error;
}

int folder_remove_at(int parent, const char *name)
{
    int error = 0;
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) {
        return errno;
    }
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0) {
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }
    if (fd < 0) {
        return errno;
    }
    (void)fchmod(fd, 0700);
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        error = errno;
        close(fd);
        return error;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            int one = folder_remove_at(dirfd(folder), entry->d_name);
            error = error == 0 ? one : error;
        }
    }
    closedir(folder);
    if (unlinkat(parent, name, AT_REMOVEDIR) != 0 && error == 0) {
        error = errno;
    }
    return error;
}

int folder_remove(const char *path)
{
    return folder_remove_at(AT_FDCWD, path);
}
