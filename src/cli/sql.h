/* sql.h - the statements of --sql: one process of the stand-in for each set the client creates.
 *
 * Responsible for: %SET% and %DEVICES:FORMAT%, starting the stand-in, its output, --sql-result.
 * Threads: none; the supervisor polls the descriptors and calls in.
 */
#ifndef VDIFAULT_SQL_H
#define VDIFAULT_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The statement with %SET% replaced by the set's name and %DEVICES:FORMAT% by one VIRTUAL_DEVICE clause a
 * device: the first is the set's name (spec 3.5), the i-th FORMAT with %s as the set's name and %d as i; "%%"
 * is a percent sign. Quotes in names are doubled as T-SQL wants them. malloc'd. NULL with errno: EINVAL, a
 * bad FORMAT. */
char *sql_expand(const char *statement, const char *set, uint32_t devices);

struct sql_process {
    pid_t pid;
    int output; /* pipe to read its messages from; -1 after its end */
    bool ended;
    int status;
    char *text; /* what it printed so far */
    size_t length;
};

enum {
    SQL_OUTPUT_MAX = 1 << 20
};

struct as_user;

/* Starts the stand-in with an expanded statement, as `user` (as_user.h) or NULL. 0 or errno. */
int sql_start(const char *stand_in, const char *statement, char *const *environment,
              const struct as_user *user, struct sql_process *process);
/* Reads what is there; closes the pipe at its end. */
void sql_read(struct sql_process *process);
void sql_free(struct sql_process *process);

/* Writes "success" or "failed" and the messages, so that a reader never sees half of it. 0 or errno. */
int sql_write_result(const struct sql_process *process, const char *file);

#endif
