/* procfs.h - what the supervisor reads about processes, from /proc or a picture of it.
 *
 * Responsible for: the process table, ancestry, environment and threads. `root` is "/proc" but for tests,
 * which lay out files of the same names and contents. Errors: a process that is gone, or not ours to look at,
 * gives -1 or false; nothing is printed.
 */
#ifndef VDIFAULT_PROCFS_H
#define VDIFAULT_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_ROOT "/proc"

struct proc_stat {
    pid_t pid;
    pid_t parent;
    char state;         /* R S D T Z ... */
    uint64_t cpu_ticks; /* user and system */
};

struct proc_table {
    struct proc_stat *rows;
    size_t count;
};

int proc_table_read(const char *root, struct proc_table *table); /* 0 or errno */
void proc_table_free(struct proc_table *table);
const struct proc_stat *proc_table_find(const struct proc_table *table, pid_t pid);
/* `pid` is below `ancestor`, at any depth. */
bool proc_table_is_below(const struct proc_table *table, pid_t pid, pid_t ancestor);

/* The stat of a process (thread 0) or of one of its threads. */
int proc_stat_read(const char *root, pid_t pid, pid_t thread, struct proc_stat *stat);
/* Calls `visit` for each thread. */
typedef void proc_visit(void *context, pid_t id);
int proc_each_thread(const char *root, pid_t pid, proc_visit *visit, void *context);

/* Calls `visit` for each open descriptor. */
int proc_each_descriptor(const char *root, pid_t pid, proc_visit *visit, void *context);

/* Who sees a change of the memory at this address. */
enum proc_mapping {
    PROC_MAPPING_UNKNOWN,
    PROC_MAPPING_PRIVATE,
    PROC_MAPPING_SHARED
};
enum proc_mapping proc_mapping(const char *root, pid_t pid, uint64_t address);

/* A file of this name (its last part) is mapped into the process. */
bool proc_has_mapped(const char *root, pid_t pid, const char *name);

/* A small file of a process as text; its length, or -1. */
ssize_t proc_read(const char *root, pid_t pid, const char *file, char *text, size_t size);
/* Where a link of a process leads ("exe", "fd/3", "ns/pid"). */
bool proc_link(const char *root, pid_t pid, const char *file, char *text, size_t size);
/* The process runs this program (a path without links); false for NULL. */
bool proc_runs(const char *root, pid_t pid, const char *program);
/* The value of a variable in the environment the process was started with. */
bool proc_environment(const char *root, pid_t pid, const char *name, char *value, size_t size);
/* The command line with blanks between arguments, unprintable bytes as '?'; the name if there is none. */
void proc_command_line(const char *root, pid_t pid, char *text, size_t size);

#endif
