/* catalog.h - what the simulated server remembers of its databases from one statement to the next.
 *
 * Each stand-in is a server process of its own, so the memory is a file of the run's folder: read and written whole,
 * under a lock, by a new file that is renamed into place, so that a stand-in may be killed at any instant. Without a
 * path it is memory of the process. What a statement holds while it runs (catalog_claim) are locks that the system
 * releases when a process dies: nothing stale is left.
 *
 * A database that no statement has mentioned is CATALOG_UNKNOWN and has an entry only once it is claimed. It counts as
 * one that is in use: recovery model FULL, a full backup taken, log backups can follow (plan.h, backed-up).
 * --verify restores into databases of its own (`verification`): what it does shows nowhere else.
 *
 * Errors: 0 or errno; EPROTO: the file is not a catalog. Threads: one; several processes may share a file.
 */
#ifndef VDIFAULT_ENGINE_CATALOG_H
#define VDIFAULT_ENGINE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CATALOG_NAME_MAX = 520, /* 128 characters (tsql.h) of up to four bytes, padded */
    CATALOG_DATABASES_MAX = 64
};

/* Of log sequence numbers: where the log of a new database starts, and how much one operation adds to it. */
#define CATALOG_LSN_FIRST UINT64_C(34000000012800001)
#define CATALOG_LSN_STEP  UINT64_C(6400000)
#define CATALOG_LSN_MAX   (INT64_MAX / 2) /* far more than there can be steps */

enum catalog_model {
    CATALOG_FULL = 1,
    CATALOG_BULK_LOGGED,
    CATALOG_SIMPLE
};

enum catalog_state {
    CATALOG_UNKNOWN = 1,
    CATALOG_ONLINE,
    CATALOG_RESTORING /* after NORECOVERY, or a restore that failed */
};

struct catalog_database {
    char name[CATALOG_NAME_MAX];
    uint32_t verification; /* 1: of --verify */
    uint32_t model;        /* enum catalog_model */
    uint32_t state;        /* enum catalog_state */
    uint32_t backed_up;    /* 1: a full backup was taken that log backups can follow */
    uint64_t log_start;    /* of what the next log backup holds: nothing before it is in the log any more */
    uint64_t log_end;
    uint64_t base;        /* differentials hold what has changed since; 0: no full backup was taken */
    uint64_t restored_to; /* RESTORING: the next log must hold this; 0: nothing that a log could follow */
};

struct catalog;
/* path NULL: in memory. A file that is not there yet is an empty catalog. */
int catalog_open(const char *path, struct catalog **catalog);
void catalog_close(struct catalog *catalog); /* NULL is allowed */
/* A file for reading and writing that the processes of all users of the run share, made if it is not there: its
 * descriptor, or -1 with errno. */
int catalog_open_beside(const char *path);

/* Nobody else reads or changes the catalog between begin and end. end is only to be called after a begin that
 * succeeded; with `changed` it stores the entries. */
int catalog_begin(struct catalog *catalog);
int catalog_end(struct catalog *catalog, bool changed);

struct catalog_key {
    const char *name; /* compared without case */
    bool verification;
    bool never_backed_up; /* what a new entry says */
};
/* In between: the entry, made if it is not there. NULL: no room. */
struct catalog_database *catalog_entry(struct catalog *catalog, const struct catalog_key *key);
/* In between: the entries in turn. NULL: there are no more. */
const struct catalog_database *catalog_at(const struct catalog *catalog, uint32_t index);
/* A database that is being restored comes online as it stands. */
void catalog_recover(struct catalog_database *database);

/* What statements exclude each other by: data backups, log backups; a restore is all of it (spec 13). */
enum catalog_use {
    CATALOG_DATA = 1,
    CATALOG_LOG,
    CATALOG_ALL
};
/* Of an entry, to be called between begin and end; held until catalog_release. EWOULDBLOCK: another process holds
 * it. */
int catalog_claim(struct catalog *catalog, const struct catalog_database *database, enum catalog_use use);
void catalog_release(struct catalog *catalog); /* whatever is held */

#endif
