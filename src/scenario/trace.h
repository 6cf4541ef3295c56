/* trace.h - the trace file: all events of a run in one file, to be read again at any time, by any process.
 *
 * Layout, version 1. Numbers are little-endian; a file says so by TRACE_BYTE_ORDER and a reader refuses another
 * order. Everything starts at a multiple of 8 bytes.
 *   prologue  struct trace_prologue
 *   blocks    struct trace_block and `length` bytes each, with a hash over both:
 *     START   one, first: struct trace_numbers, then strings "KEY=VALUE", NUL-terminated, NUL-padded to 8.
 *             Keys: argument (one each, passwords redacted), plan (text), dialect, repeat, error, fail-on,
 *             ignore (one each), producer. A reader passes over keys it does not know.
 *     EVENTS  any number: events in run order, each with its text in text_records * 64 bytes, NUL-padded
 *     END     one, empty, last: a file without it was cut short
 *
 * Responsible for: writing and reading this. A reader trusts nothing of the file: kind, function, device,
 * operation and a fault's index of what it gives are within their tables, as of what a collector gives; the rest is
 * any number. It holds one block in memory at a time, TRACE_BLOCK_MAX at most, and the START block.
 * Errors: 0 or errno of the writer; the reader says in words at which byte it found what, and what it expected.
 * Ownership: the FILE stays the caller's. Threads: one at a time per object.
 */
#ifndef VDIFAULT_TRACE_H
#define VDIFAULT_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "event.h"

enum {
    TRACE_VERSION = 1,
    TRACE_BYTE_ORDER = 0x01020304,
    TRACE_BLOCK_MAX = 64 << 10, /* bytes of an EVENTS block */
    TRACE_START_MAX = 8 << 20,  /* bytes of the START block */
    TRACE_ERROR_MAX = 200
};

#define TRACE_MAGIC "VDITRACE"

struct trace_prologue {
    char magic[8];
    uint32_t version;
    uint32_t byte_order;
    uint32_t event_size;
    uint32_t event_version;
    uint64_t reserved;
};

enum trace_block_kind {
    TRACE_START = 1,
    TRACE_EVENTS,
    TRACE_END
};

struct trace_block {
    uint32_t kind;   /* enum trace_block_kind */
    uint32_t length; /* bytes that follow, a multiple of 8 */
    uint64_t hash;   /* xxh64 of the bytes, seeded with kind << 32 | length */
};

struct trace_numbers {
    uint64_t events;
    uint64_t dropped;       /* recorded, but lost before they could be collected */
    uint64_t started;       /* microseconds since 1970, UTC */
    uint64_t wall_ms;       /* of the client */
    uint64_t out_of_memory; /* 1: the runner had no room for all events */
};

/* ---- writing ---- */

struct trace_writer;

/* Writes the prologue and the START block. `strings` are "KEY=VALUE". 0 or errno; E2BIG: more than
 * TRACE_START_MAX. */
int trace_write_start(FILE *out, const struct trace_numbers *numbers, const char *const *strings,
                      size_t string_count, struct trace_writer **writer);
int trace_write_event(struct trace_writer *writer, const struct event *event, const char *text);
/* Writes the END block, flushes, and frees the writer whatever happened. 0, or the first error there was. */
int trace_write_end(struct trace_writer *writer);

/* ---- reading ---- */

struct trace_reader;

/* Whether the file begins like a trace; reads it from its start. */
bool trace_recognize(FILE *in);

/* Reads the prologue and the START block. 0; EINVAL: trace_error tells; ENOMEM: no reader at all. */
int trace_read_start(FILE *in, struct trace_reader **reader);
const struct trace_numbers *trace_numbers(const struct trace_reader *reader);
/* The VALUE of the index-th string of this key; NULL: there are no more. */
const char *trace_string(const struct trace_reader *reader, const char *key, size_t index);

enum trace_result {
    TRACE_EVENT,
    TRACE_DONE, /* the file is whole */
    TRACE_BAD   /* trace_error tells; so does every further read */
};
/* The next event; `text` ("" if none) is good until the next read. */
enum trace_result trace_read_event(struct trace_reader *reader, struct event *event, const char **text);
/* "byte 4096: expected ..., found ..." */
const char *trace_error(const struct trace_reader *reader);
void trace_read_end(struct trace_reader *reader); /* NULL is allowed */

/* ---- both sides of a collector ---- */

/* What of an event lies outside its table, in words; NULL: all is within. The one place where it is checked. */
const char *event_defect(const struct event *event);

#endif
