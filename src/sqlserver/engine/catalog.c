/* catalog.c - see catalog.h. */
#include "catalog.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"

#define CATALOG_MAGIC "VDIFCAT1"

struct catalog_file {
    char magic[8];
    uint64_t hash; /* of all behind it */
    uint64_t count;
    struct catalog_database databases[CATALOG_DATABASES_MAX];
};
_Static_assert(sizeof(struct catalog_database) == CATALOG_NAME_MAX + 4 * 4 + 4 * 8,
               "no padding: it is hashed");

enum {
    HASH_FROM = offsetof(struct catalog_file, count),
    LOCK_CATALOG = 0, /* bytes of the lock file */
    LOCK_DATABASES = 1,
};

struct catalog {
    int locks; /* -1: in memory */
    char path[PATH_MAX];
    char next[PATH_MAX]; /* the file being written */
    struct catalog_file file;
};

/* --- the file --- */

static bool is_sane(const struct catalog_database *database)
{
    return memchr(database->name, '\0', sizeof database->name) != NULL && database->verification <= 1 &&
           database->model >= CATALOG_FULL && database->model <= CATALOG_SIMPLE &&
           database->state >= CATALOG_UNKNOWN && database->state <= CATALOG_RESTORING &&
           database->backed_up <= 1 && database->log_start <= database->log_end &&
           database->log_end <= CATALOG_LSN_MAX && database->base <= database->log_end &&
           database->restored_to <= database->log_end;
}

static uint64_t hash_of(const struct catalog_file *file)
{
    return XXH64((const uint8_t *)file + HASH_FROM, sizeof *file - HASH_FROM, 0);
}

/* What a checksum cannot promise is checked too: we index and compute by it. */
static bool is_catalog(const struct catalog_file *file)
{
    bool good = memcmp(file->magic, CATALOG_MAGIC, sizeof file->magic) == 0 && file->hash == hash_of(file) &&
                file->count <= CATALOG_DATABASES_MAX;
    for (uint64_t i = 0; good && i < file->count; i++) {
        good = is_sane(&file->databases[i]);
    }
    return good;
}

static int transfer(int file, uint8_t *data, size_t size, bool writing)
{
    for (size_t at = 0; at < size;) {
        ssize_t done = writing ? write(file, data + at, size - at) : read(file, data + at, size - at);
        if (done == 0) {
            return EPROTO; /* shorter than a catalog */
        }
        if (done < 0 && errno != EINTR) {
            return errno;
        }
        at += done > 0 ? (size_t)done : 0;
    }
    return 0;
}

static int load(struct catalog *catalog)
{
    struct stat status;
    /* O_NONBLOCK: a FIFO must be refused, not waited for. */
    int file = open(catalog->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) {
        memset(&catalog->file, 0, sizeof catalog->file);
        return 0;
    }
    if (file < 0) {
        return errno;
    }
    int error = fstat(file, &status) != 0 ? errno : 0;
    if (error == 0 && (!S_ISREG(status.st_mode) || status.st_size != (off_t)sizeof catalog->file)) {
        error = EPROTO;
    }
    if (error == 0) {
        error = transfer(file, (uint8_t *)&catalog->file, sizeof catalog->file, false);
    }
    close(file);
    if (error == 0 && !is_catalog(&catalog->file)) {
        error = EPROTO;
    }
    if (error != 0) {
        memset(&catalog->file, 0, sizeof catalog->file);
    }
    return error;
}

/* Root's statements share the catalog with those of the user whose folder it is in (--as): a file of root's own would
 * keep them out. */
static int give_to_folders_owner(const char *path, int file)
{
    char folder[PATH_MAX];
    struct stat status;
    const char *slash = strrchr(path, '/');
    if (geteuid() != 0) {
        return 0;
    }
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
             slash != NULL ? path : ".");
    if (stat(folder, &status) != 0 || status.st_uid == 0) {
        return 0;
    }
    return fchown(file, status.st_uid, status.st_gid) == 0 ? 0 : errno;
}

int catalog_open_beside(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int error = file >= 0 ? give_to_folders_owner(path, file) : 0;
    if (error != 0) {
        close(file);
        errno = error;
        file = -1;
    }
    return file;
}

/* Only who holds the lock writes, so that the new file's name need not be its own; a leftover of a killed server is
 * used again. */
static int save(struct catalog *catalog)
{
    memcpy(catalog->file.magic, CATALOG_MAGIC, sizeof catalog->file.magic);
    catalog->file.hash = hash_of(&catalog->file);
    int file = open(catalog->next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return errno;
    }
    int error = give_to_folders_owner(catalog->next, file);
    if (error == 0) {
        error = transfer(file, (uint8_t *)&catalog->file, sizeof catalog->file, true);
    }
    if (close(file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(catalog->next, catalog->path) != 0) {
        error = errno;
    }
    return error;
}

/* --- locks: of the open file, so that they end with the process --- */

static int lock(const struct catalog *catalog, int command, short type, off_t start, off_t length)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    int result;
    if (catalog->locks < 0) {
        return 0;
    }
    do {
        result = fcntl(catalog->locks, command, &range);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno == EACCES || errno == EAGAIN ? EWOULDBLOCK : errno;
}

int catalog_claim(struct catalog *catalog, const struct catalog_database *database, enum catalog_use use)
{
    off_t index = database - catalog->file.databases;
    off_t start = LOCK_DATABASES + 2 * index + (use == CATALOG_LOG);
    return lock(catalog, F_OFD_SETLK, F_WRLCK, start, use == CATALOG_ALL ? 2 : 1);
}

void catalog_release(struct catalog *catalog)
{
    lock(catalog, F_OFD_SETLK, F_UNLCK, LOCK_DATABASES, 0); /* to the end */
}

/* --- life --- */

int catalog_open(const char *path, struct catalog **out)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);
    char locks[PATH_MAX];
    *out = NULL;
    if (catalog == NULL) {
        return ENOMEM;
    }
    catalog->locks = -1;
    if (path != NULL) {
        int length = snprintf(locks, sizeof locks, "%s.lock", path);
        int error = length < 0 || (size_t)length >= sizeof locks ? ENAMETOOLONG : 0;
        if (error == 0) {
            snprintf(catalog->path, sizeof catalog->path, "%s", path);
            snprintf(catalog->next, sizeof catalog->next, "%s.new", path);
            catalog->locks = catalog_open_beside(locks);
            error = catalog->locks < 0 ? errno : catalog_begin(catalog);
        }
        if (error != 0) {
            catalog_close(catalog);
            return error;
        }
        catalog_end(catalog, false);
    }
    *out = catalog;
    return 0;
}

void catalog_close(struct catalog *catalog)
{
    if (catalog != NULL && catalog->locks >= 0) {
        close(catalog->locks);
    }
    free(catalog);
}

int catalog_begin(struct catalog *catalog)
{
    int error = lock(catalog, F_OFD_SETLKW, F_WRLCK, LOCK_CATALOG, 1);
    if (error == 0 && catalog->locks >= 0) {
        error = load(catalog);
        if (error != 0) {
            catalog_end(catalog, false);
        }
    }
    return error;
}

int catalog_end(struct catalog *catalog, bool changed)
{
    int error = changed && catalog->locks >= 0 ? save(catalog) : 0;
    lock(catalog, F_OFD_SETLK, F_UNLCK, LOCK_CATALOG, 1);
    return error;
}

/* --- entries --- */

struct catalog_database *catalog_entry(struct catalog *catalog, const struct catalog_key *key)
{
    struct catalog_file *file = &catalog->file;
    for (uint64_t i = 0; i < file->count; i++) {
        struct catalog_database *database = &file->databases[i];
        if (database->verification == key->verification && strcasecmp(database->name, key->name) == 0) {
            return database;
        }
    }
    if (file->count == CATALOG_DATABASES_MAX || strlen(key->name) >= CATALOG_NAME_MAX) {
        return NULL;
    }
    struct catalog_database *database = &file->databases[file->count++];
    *database = (struct catalog_database){
        .verification = key->verification,
        .model = CATALOG_FULL,
        .state = CATALOG_UNKNOWN,
        .backed_up = !key->never_backed_up,
        .log_start = CATALOG_LSN_FIRST,
        .log_end = CATALOG_LSN_FIRST + CATALOG_LSN_STEP,
        .base = key->never_backed_up ? 0 : CATALOG_LSN_FIRST,
    };
    strcpy(database->name, key->name);
    return database;
}

const struct catalog_database *catalog_at(const struct catalog *catalog, uint32_t index)
{
    return index < catalog->file.count ? &catalog->file.databases[index] : NULL;
}

void catalog_recover(struct catalog_database *database)
{
    assert(database->restored_to <= database->log_end);
    database->state = CATALOG_ONLINE;
    database->backed_up = database->model != CATALOG_SIMPLE;
    database->log_start = database->restored_to;
    database->log_end += CATALOG_LSN_STEP;
    database->restored_to = 0;
}
