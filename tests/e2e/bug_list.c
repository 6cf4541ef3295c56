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

/* The whole list is read before its first bug is taken: `take` may start processes, and then there is no other. */
static void each_bug_of(const char *client, take_bug *take, void *context)
{
    static char text[1 << 16];
    char command[512];
    snprintf(command, sizeof command, E2E_CLIENTS "/%s --list", client);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    size_t length = fread(text, 1, sizeof text - 1, list);
    assert_int_equal(pclose(list), 0);
    assert_true(length < sizeof text - 1);
    text[length] = '\0';
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL && *line != '\0';) {
        char *fields[BUG_FIELDS] = {0};
        for (int i = 0; i < BUG_FIELDS; i++) {
            fields[i] = strsep(&line, "\t");
            assert_non_null(fields[i]);
        }
        take(client, fields, context);
    }
}

void bugs_each(take_bug *take, void *context)
{
    char clients[] = E2E_BUGGY;
    char *rest = clients;
    for (char *client; (client = strsep(&rest, ",")) != NULL;) {
        each_bug_of(client, take, context);
    }
}
