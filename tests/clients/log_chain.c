/* log_chain.c - a client that keeps a chain of log backups and resumes it.
 *
 * `backup` takes a full backup if there is no chain to continue, then two log backups; `restore` restores the chain.
 * The list of what was taken is a file beside the streams. A log backup that failed may have cost SQL Server's log all
 * the same (spec 10, 5), so after one the chain is over: the next run begins a new one with a full backup.
 *
 * --lose N is a bug: the run's N-th log backup is reported good and then thrown away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_operation.h"
#include "client_session.h"

enum {
    LOGS_PER_RUN = 2,
    LINKS_MAX = 64
};

/* The backups that belong together, by number: the full one, then logs. */
struct chain {
    char path[CLIENT_PATH_MAX];
    int links[LINKS_MAX];
    int count; /* 0: none that can be continued */
    int next;  /* the first number not used yet */
};

/* A line a backup: its number; "over" when the chain cannot go on. */
static bool read_chain(struct chain *chain)
{
    char line[32];
    FILE *file = fopen(chain->path, "re");

    if (!file) {
        return errno == ENOENT;
    }
    while (fgets(line, sizeof line, file) && chain->count < LINKS_MAX) {
        bool over = !strcmp(line, "over\n");

        chain->count = over ? 0 : chain->count + 1;
        if (!over) {
            chain->links[chain->count - 1] = atoi(line);
            chain->next = atoi(line) + 1;
        }
    }
    return fclose(file) == 0;
}

static bool append_line(const struct chain *chain, const char *line)
{
    FILE *file = fopen(chain->path, "ae");
    bool written = file && fputs(line, file) >= 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;

    return file && fclose(file) == 0 && written;
}

static struct client_options options_of(const struct client_options *options, int number, bool log,
                                        char name[CLIENT_NAME_MAX])
{
    struct client_options own = *options;

    snprintf(name, CLIENT_NAME_MAX, "%s.%d", options->set, number);
    own.set = name;
    own.log = log;
    return own;
}

static void throw_away(const struct client_options *options)
{
    struct operation *operation = operation_new(options, true);
    char path[CLIENT_PATH_MAX];

    for (int i = 0; operation && i < options->devices; i++) {
        store_path(operation, i, ".bak", path);
        unlink(path);
    }
    operation_free(operation);
}

static bool back_up(const struct client_options *options, struct chain *chain, bool lose)
{
    char name[CLIENT_NAME_MAX], line[32];
    int number = chain->next++;
    struct client_options own = options_of(options, number, chain->count > 0, name);

    if (!client_run_one(&own, true, session_run_plain)) {
        append_line(chain, "over\n");
        return false;
    }
    if (lose) {
        throw_away(&own);
        return true;
    }
    chain->links[chain->count++] = number;
    snprintf(line, sizeof line, "%d\n", number);
    return append_line(chain, line);
}

static bool back_up_all(const struct client_options *options, struct chain *chain, int lose)
{
    bool good = chain->count > 0 || back_up(options, chain, false);

    for (int i = 1; good && i <= LOGS_PER_RUN && chain->count < LINKS_MAX; i++) {
        good = back_up(options, chain, i == lose);
    }
    return good;
}

static bool restore_all(const struct client_options *options, const struct chain *chain)
{
    for (int i = 0; i < chain->count; i++) {
        char name[CLIENT_NAME_MAX];
        struct client_options own = options_of(options, chain->links[i], i > 0, name);

        own.with = i + 1 < chain->count ? "NORECOVERY" : "RECOVERY";
        if (!client_run_one(&own, false, session_run_plain)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    struct chain chain = {0};
    const char *text = client_take_option(&argc, argv, "--lose");
    int64_t lose = 0;
    int status = client_parse(argc, argv, &options);

    if (status || !client_number(text, 1, LOGS_PER_RUN, 0, &lose)) {
        return CLIENT_USAGE;
    }
    snprintf(chain.path, sizeof chain.path, "%s/%s.chain", options.directory, options.set);
    if (!read_chain(&chain)) {
        fprintf(stderr, "%s: cannot read %s: %s\n", options.program, chain.path, strerror(errno));
        return CLIENT_FAILURE;
    }
    if ((options.backup && !back_up_all(&options, &chain, (int)lose)) ||
        (options.restore && !restore_all(&options, &chain))) {
        return CLIENT_FAILURE;
    }
    return CLIENT_SUCCESS;
}
