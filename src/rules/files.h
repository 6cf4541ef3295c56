/* files.h - what the checker remembers of the client's files: writes, syncs, names, buffers of stdio.
 *
 * Internal to src/rules. Built from EVENT_FILE alone (scenario/event.h); sequence numbers order everything, across
 * threads and processes. Nodes never move and live until files_free. Every list has a limit: what exceeds it sets
 * `overflow`, and nothing is judged any more.
 */
#ifndef VDIFAULT_RULES_FILES_H
#define VDIFAULT_RULES_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

enum {
    FILES_MAX = 4096,
    FILE_USES_MAX = 256, /* of a file */
    FILE_BUFFERS_MAX = 16,
};

struct acknowledgement;

/* Bytes of one device's commands in a file; device -1: bytes of no known command, while the operation transferred. */
struct file_use {
    struct file_use *next;
    int32_t operation;
    int16_t device;
    bool judged;    /* at an acknowledgement: the file holds the stream, or a part of it */
    bool doubtful;  /* of device -1: other operations were under way, too */
    bool misplaced; /* bytes did not go where the command's position says */
    uint64_t bytes;
    uint64_t open_bytes;       /* of device -1: those until the set was closed */
    uint64_t unfinished_bytes; /* open_bytes at `unfinished` */
    struct acknowledgement
        *unfinished;                 /* the newest that came when the file had too few bytes to be judged */
    uint64_t last_write;             /* sequence; 0 none */
    struct acknowledgement *watched; /* the newest that covers these bytes */
};

/* Bytes that wait in a process's memory for a descriptor of the file. */
struct file_buffer {
    uint32_t process;
    int64_t descriptor;
    int64_t bytes;
};

/* Bytes that a write was asked for and did not take, and that nobody has tried to write again. */
enum {
    FILE_REFUSALS_MAX = 16
};
struct file_refusal {
    uint64_t fetch; /* of the command whose buffer they were in; 0: of none that is known */
    uint64_t bytes; /* 0: free */
};

struct stored_file {
    struct stored_file *next;
    uint64_t identity;
    char *path; /* NULL unknown */
    enum file_type type;
    uint64_t folder; /* that its newest name stands in; 0: it was there before the run */
    uint64_t named;  /* sequence of that */
    uint64_t
        synced; /* every write before this sequence is durable: begin of the newest sync that succeeded */
    uint64_t last_loose;   /* sequence of the newest write, or cut, of bytes of no known command */
    bool mapped;           /* shared and writable: not all that is stored is seen */
    bool written_through;  /* the newest write was durable by itself */
    bool gone;             /* no name left */
    bool places_known;     /* the offset of every write so far */
    int64_t size;          /* -1 unknown */
    int64_t written_end;   /* behind the last byte written while an operation transferred */
    struct file_use *uses; /* newest first */
    uint32_t use_count;
    struct file_buffer buffers[FILE_BUFFERS_MAX];
    struct file_refusal refusals[FILE_REFUSALS_MAX];
};

struct files {
    struct stored_file *list; /* newest first */
    uint32_t count;
    uint64_t all_synced; /* as stored_file.synced, for every file */
    bool overflow;
    bool out_of_memory;
};

/* Whose bytes a write took: of no known command if `known` is false. */
struct file_source {
    bool known;
    int32_t operation;
    int16_t device;
    int64_t position; /* of the command, and how many bytes it has */
    int64_t size;
};

/* Takes an EVENT_FILE; the file it is about, or NULL. */
struct stored_file *files_take(struct files *files, const struct event *event, const char *text,
                               const struct file_source *source);
struct stored_file *files_find(const struct files *files, uint64_t identity);
/* The use, made if there is none yet; NULL: no room. */
struct file_use *files_use(struct files *files, struct stored_file *file, int32_t operation, int16_t device);
struct file_use *files_find_use(const struct stored_file *file, int32_t operation, int16_t device);
bool files_is_shared(const struct stored_file *file, int32_t operation,
                     int16_t device); /* with other devices */
/* Its stdio buffers were written: fflush(NULL), or its end. */
void files_flush_process(struct files *files, uint32_t process, uint64_t sequence);
uint64_t files_synced(const struct files *files, const struct stored_file *file);
int64_t files_buffered(const struct stored_file *file);
uint64_t files_refused(const struct stored_file *file);
/* The client has told that this command failed: what was refused of it, or may have been, is not missing. */
void files_forgive(struct files *files, uint64_t fetch);
void files_forgive_all(struct files *files);
bool files_is_write(const struct event *event); /* it changed the content */
void files_free(struct files *files);

#endif
