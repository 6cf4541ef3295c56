/* See bug_list.h. */
#include "bug_list.h"

#include <stdio.h>
#include <string.h>

static void add_options(struct e2e_args *args, const char *options)
{
    char words[512];
    char *rest = words;
    snprintf(words, sizeof words, "%s", options);
    for (char *word; (word = strsep(&rest, "|")) != NULL;) {
        e2e_arg(args, "%s", word);
    }
}

void bugs_add_client(struct e2e_args *args, const char *client, char *const *bug)
{
    if (strcmp(bug[BUG_OPERATION], "restore") == 0) {
        e2e_arg(args, "--before");
        e2e_arg(args, E2E_CLIENTS "/correct_c backup --database sales --set stored --devices %s --dir {run}",
                bug[BUG_DEVICES]);
    }
    if (strcmp(bug[BUG_OPTIONS], "-") != 0) {
        add_options(args, bug[BUG_OPTIONS]);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%s", client);
    e2e_arg(args, "%s", bug[BUG_OPERATION]);
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--set");
    e2e_arg(args, "stored");
    e2e_arg(args, "--devices");
    e2e_arg(args, "%s", bug[BUG_DEVICES]);
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_arg(args, "--timeout");
    e2e_arg(args, "2000");
    e2e_arg(args, "--bug");
    e2e_arg(args, "%s", bug[BUG_NAME]);
}

static void each_bug_of(const char *client, take_bug *take, void *context)
{
    char line[1024], command[512];
    snprintf(command, sizeof command, E2E_CLIENTS "/%s --list", client);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    while (fgets(line, sizeof line, list) != NULL) {
        char *fields[BUG_FIELDS] = {0};
        char *rest = line;
        for (int i = 0; i < BUG_FIELDS; i++) {
            fields[i] = strsep(&rest, "\t\n");
            assert_non_null(fields[i]);
        }
        take(client, fields, context);
    }
    assert_int_equal(pclose(list), 0);
}

void bugs_each(take_bug *take, void *context)
{
    char clients[] = E2E_BUGGY;
    char *rest = clients;
    for (char *client; (client = strsep(&rest, ",")) != NULL;) {
        each_bug_of(client, take, context);
    }
}
