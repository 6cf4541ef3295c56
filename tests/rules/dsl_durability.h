/* dsl_durability.h - further words of dsl.h, for backups to files: what a thread WORKER stores, and when it answers. */
#ifndef VDIFAULT_TESTS_RULES_DSL_DURABILITY_H
#define VDIFAULT_TESTS_RULES_DSL_DURABILITY_H

#include "dsl.h"

enum {
    SINK = 7,
    LOG = 8,
    OTHER = 9,
    FOLDER = 50,
    PART = 65536, /* what vdi_fetch hands out */
};

/* A backup up to its first command, to the file SINK, which was empty. */
void start_backup(struct run *run, uint32_t devices);
/* The rest of it, up to the judgement. */
enum durable end_backup(struct run *run, uint32_t devices);

/* Fetches a Write, stores it from the buffer itself, completes it. */
void store_write(struct run *run, int16_t device, uint64_t file);
/* The same from memory of the client's own. */
void copy_write(struct run *run, int16_t device, uint64_t file);
/* Fetches a command and completes it with SUCCESS; the sequence of the completion. */
uint64_t answer(struct run *run, int16_t device, int32_t code);
uint64_t flush(struct run *run); /* the same, of device 0 */

#endif
