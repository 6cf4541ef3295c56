/* bug.c - see bug.h. */
#include "bug.h"

#include <stdio.h>
#include <string.h>

enum {
    /* Some bugs end only when the client gives up: soon, for the sake of the tests. */
    DEFAULT_TIMEOUT_MS = 3000,
};

static int chosen = -1; /* set once, before any thread; so are the needs */
static const struct bug_need *all_needs;
static size_t need_count;

void bug_set_needs(const struct bug_need *needs, size_t count)
{
    all_needs = needs;
    need_count = count;
}

static const struct bug_need *needs_of(int row)
{
    static const struct bug_need none = {.row = -1};

    for (size_t i = 0; i < need_count; i++) {
        if (all_needs[i].row == row) {
            return &all_needs[i];
        }
    }
    return &none;
}

bool bug_is(int row)
{
    return chosen == row;
}

static void list(const struct bug_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct bug *bug = &table->bugs[i];
        const char *options = needs_of((int)i)->run_options;

        printf("%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", bug->name, bug->rule, bug->function, bug->fault,
               bug->operation, bug->devices, options ? options : "-", bug->what);
    }
}

static int take_bug(const struct bug_table *table, int *argc, char **argv)
{
    const char *name = client_take_option(argc, argv, "--bug");

    for (size_t i = 0; name && i < table->count; i++) {
        if (!strcmp(table->bugs[i].name, name)) {
            chosen = (int)i;
            return 0;
        }
    }
    fprintf(stderr, "%s: expected --bug NAME with a name that %s --list prints\n", table->program,
            table->program);
    return CLIENT_USAGE;
}

int bug_main(int argc, char **argv, const struct bug_table *table, client_work *work)
{
    struct client_options options = {.timeout_ms = DEFAULT_TIMEOUT_MS};
    int status;

    if (argc == 2 && !strcmp(argv[1], "--list")) {
        list(table);
        return CLIENT_SUCCESS;
    }
    status = take_bug(table, &argc, argv);
    if (!status) {
        options.with = needs_of(chosen)->with;
        status = client_parse(argc, argv, &options);
    }
    return status ? status : client_run(&options, work);
}
