/* database.h - where a BACKUP reads its data and where a RESTORE puts it.
 *
 * A database is a file of the plan (`server database NAME=FILE`), or generated: content that is a function of
 * seed and offset, of which nothing is stored (design 4.3).
 * A restore writes to FILE.restoring beside the target and renames it at the end, so that a restore that
 * fails leaves the old file as it was; that file is locked, and a leftover of a killed server is used again.
 *
 * Errors: 0 or errno. A source or target belongs to one thread; close or discard it in any case.
 */
#ifndef VDIFAULT_ENGINE_DATABASE_H
#define VDIFAULT_ENGINE_DATABASE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan.h"

/* Fills `data` with the generated content at `offset`. */
void database_generate(uint64_t seed, uint64_t offset, uint8_t *data, size_t length);
/* Index of the first byte of `data` that is not the generated content, or `length`. */
size_t database_compare(uint64_t seed, uint64_t offset, const uint8_t *data, size_t length);

/* The plan's entry for `name`, without regard to case, or NULL. */
const struct plan_database *database_find(const struct plan *plan, const char *name);

struct database_source {
    int file; /* -1: generated */
    uint64_t size;
    uint64_t seed;
};

/* path NULL: generated from the plan's size and seed. */
int database_open(struct database_source *source, const struct plan *plan, const char *path);
/* ENODATA: the file has become shorter. */
int database_read(const struct database_source *source, uint64_t offset, uint8_t *data, size_t length);
void database_close(struct database_source *source);

enum {
    DATABASE_DIFFERS = -1
};

struct database_target {
    int file;       /* -1: nothing is stored */
    bool generated; /* content must be the generated one */
    uint64_t seed;
    uint64_t differs_at; /* after DATABASE_DIFFERS: offset in the database */
    char path[PATH_MAX];
    char temporary[PATH_MAX];
};

bool database_exists(const char *path);
/* path NULL: store nothing. EWOULDBLOCK: another restore is at it. EACCES: the target is no plain file. */
int database_begin(struct database_target *target, const char *path, uint64_t size);
/* Brings in what the target has now, for a restore that changes a part of it. */
int database_keep(struct database_target *target);
/* XXH64 of all of the source. */
int database_digest(const struct database_source *source, uint64_t *digest);
/* 0, errno, or DATABASE_DIFFERS. */
int database_put(struct database_target *target, uint64_t offset, const uint8_t *data, size_t length);
int database_commit(struct database_target *target);   /* the target is the restored file now */
void database_discard(struct database_target *target); /* the target is as it was; nothing after commit */
uint64_t database_free_space(const struct database_target *target);

#endif
