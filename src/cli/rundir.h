/* rundir.h - the scratch folder of a run, and the token that marks all that belongs to it.
 *
 * The token is the runner's process number and start time, "<pid>-<start>": it says by itself whether the
 * runner still lives. It names the folder ($TMPDIR/vdifault-<token>-XXXXXX), the shared-memory objects
 * (vdifault-<token>-<hash>, by VDI_NAMESPACE) and marks processes (VDI_NAMESPACE in their environment), so
 * that whatever a killed runner left behind is found by the next one.
 *
 * Folder: namespace (the process-number space of the runner), plan, plan-verify, trace/ (run state and rings), client/
 * ({run}, the client's own: it may remove it), tmp/ (its TMPDIR), bin/ (links to the stand-in and to the interposer), sanitizer/ (reports of the client's
 * sanitizers).
 */
#ifndef VDIFAULT_RUNDIR_H
#define VDIFAULT_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>

#define RUN_PREFIX         "vdifault-"
#define RUN_CLIENT_FOLDER  "client"
#define RUN_HELPER_SUFFIX  "-helper" /* of the token, for the sets of --before and --after */
#define PRELOAD_SEPARATORS " :"      /* what no path in LD_PRELOAD can hold */

enum {
    RUN_TOKEN_MAX = 48,
    RUN_TDS_MAX = 32,
    RUN_PATH_MAX = 4096
};

struct parts; /* parts.h */

struct rundir {
    char path[RUN_PATH_MAX];
    char token[RUN_TOKEN_MAX];
    char tds[RUN_TDS_MAX]; /* ADDRESS:PORT of the run's simulated server; "": it has none */
};

/* The token of this process. */
void run_token(char token[RUN_TOKEN_MAX]);

enum token_state {
    TOKEN_NONE,
    TOKEN_LIVE,
    TOKEN_STALE
};
/* What a token, or a name "vdifault-<token>-...", says about its runner. */
enum token_state run_token_state(const char *token);
enum token_state run_name_state(const char *name);

/* The folder scratch folders are made in: $TMPDIR, else /tmp (also for a TMPDIR with a blank or colon in it).
 */
const char *rundir_base(void);

/* Makes the folder below `base` with its subfolders and links. 0 or errno; nothing is left behind then. */
int rundir_create(const char *base, const struct parts *parts, struct rundir *dir);

/* "<folder>/<name>"; malloc'd, NULL: no memory. */
char *rundir_file(const struct rundir *dir, const char *name);

/* `text` with every "{run}" replaced by the client's own folder and, where there is one, "{tds}" by the server's
 * ADDRESS:PORT and "{tds-port}" by the port; malloc'd, NULL: no memory. */
char *rundir_expand(const struct rundir *dir, const char *text);

/* The other way, in place: a quoted path in the client's folder of any run begins with "{run}". The folder is gone when
 * a report is read, and is called otherwise in each run. */
void rundir_contract(char *text);

/* A folder below `base` with the token of this name tells that its runner is of another process-number space
 * (a container that shares the folder): whether that runner lives cannot be seen from here. */
bool rundir_is_foreign(const char *base, const char *name);

/* Writes a whole file in one go. 0 or errno. */
int rundir_write(const struct rundir *dir, const char *name, const char *text, size_t length);

/* Removes a folder and all below it; follows no links; opens folders that their owner locked. 0 or errno. */
int folder_remove(const char *path);
int folder_remove_at(int parent, const char *name); /* a file, too; below a folder that is open */

#endif
