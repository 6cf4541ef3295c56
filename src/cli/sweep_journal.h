/* sweep_journal.h - what a sweep has done, on disk: an interrupted one goes on from there.
 *
 * JSON lines: the first says which sweep it is, each further one is a run's object. A line is written whole and in one
 * go; one that was cut short by a crash is dropped when the journal is read again, and the file cut to what is whole.
 * One sweep at a time writes it: the process that opened it has it locked until it closes it, or ends.
 * Ownership: the journal's file, until sweep_journal_close. Errors: 0 or errno. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_JOURNAL_H
#define VDIFAULT_SWEEP_JOURNAL_H

#include <jansson.h>
#include <stdio.h>

struct sweep_journal {
    const char *path; /* borrowed; NULL: there is none, and the calls do nothing */
    FILE *stream;     /* the only one of the file in this process; the lock goes with any */
    int file;         /* its descriptor; -1: none */
};

/* Opens or makes the file. `identity` says which sweep it must be of; becomes the journal's. Each run in it goes to
 * `take`, with its line, from 1, and an object that becomes its. EEXIST: it is another sweep's; EINVAL: it is no
 * regular file; EBUSY: another process is writing it. */
typedef void sweep_journal_take(void *context, size_t line, json_t *object);
int sweep_journal_open(struct sweep_journal *journal, const char *path, json_t *identity,
                       sweep_journal_take *take, void *context);
int sweep_journal_add(struct sweep_journal *journal, const json_t *object);
/* `done`: nothing is left to go on with, the file goes. */
void sweep_journal_close(struct sweep_journal *journal, int done);

#endif
