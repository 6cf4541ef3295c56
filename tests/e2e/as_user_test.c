/* --as: the client, its statements and --verify are another user's, who must be able to reach them. Needs root, and
 * programs that anybody may run; where it has neither, only the refusal is tested. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "e2e.h"

#define CLIENT(name) E2E_CLIENTS "/" name
#define IS_NOBODY    "test \"$(id -un)\" = nobody || exit 9; exec "

enum {
    WORDS = 24
};

static void run_words(struct e2e_run *run, struct e2e_args *args, const char *const *words)
{
    *args = (struct e2e_args){0};
    for (int i = 0; i < WORDS && words[i] != NULL; i++) {
        e2e_arg(args, "%s", words[i]);
    }
    e2e_run(run, args->list);
}

static bool can_test(void)
{
    static const char *const words[WORDS] = {"run", "--as=nobody", "--", CLIENT("worker")};
    struct e2e_args args;
    struct e2e_run run;
    run_words(&run, &args, words);
    bool refused = strstr(run.output, "--as 'nobody': ") != NULL;
    e2e_free(&run);
    if (refused) {
        print_message("not tested here: %s", run.output);
    }
    return !refused;
}

static void what_is_the_clients_is_that_users(void **state)
{
    static const char *const runs[][WORDS] = {
        {"run", "--as=nobody", "--size=1M", "--", "sh", "-c",
         IS_NOBODY CLIENT("correct_c") " backup-restore --database sales --dir {run} --devices 2"},
        {"run", "--as=nobody", "--size=1M", "--fault=abort(at=touch)@Write#3", "--", CLIENT("correct_c"),
         "backup", "--database", "sales", "--dir", "{run}"},
        {"run", "--as=nobody", "--size=1M", "--before=sqlcmd -Q 'select 1'",
         "--sql=BACKUP DATABASE sales TO %DEVICES:%s-%d%", "--sql-result={run}/result",
         "--verify=" IS_NOBODY CLIENT("correct_c") " restore --database sales --set one --dir {run}", "--",
         CLIENT("worker"), "backup", "--sql-result", "{run}/result", "--set", "one", "--dir", "{run}"},
        {"run", "--as=nobody", "--size=1M", "--fault=abort@Write#3", "--ready={run}/s",
         "--trigger=" CLIENT("daemon") " --ask {run}/s backup",
         "--trigger=" CLIENT("daemon") " --ask {run}/s backup", "--", CLIENT("daemon"), "--listen", "{run}/s",
         "backup", "--database", "sales", "--dir", "{run}"},
        /* the trigger's sqlcmd is root's, the client's is not: both ask the same server */
        {"run", "--as=nobody", "--size=1M",
         "--trigger=sqlcmd -b -Q 'ALTER DATABASE x SET RECOVERY SIMPLE' && "
         "touch {run}/asked && until test -e {run}/done; do sleep 0.05; done",
         "--", "sh", "-c",
         "until test -e {run}/asked; do sleep 0.05; done; sqlcmd -b -Q 'ALTER DATABASE y SET RECOVERY "
         "SIMPLE' && " CLIENT(
             "correct_c") " backup --database sales --dir {run} && touch {run}/done; exec sleep 60"},
        {"sweep", "--as=nobody", "--size=1M", "--only=lost-close", "--no-minimize", "--", CLIENT("correct_c"),
         "backup", "--database", "sales", "--dir", "{run}", "--patience", "500"},
    };
    (void)state;
    for (size_t i = 0; can_test() && i < sizeof runs / sizeof runs[0]; i++) {
        struct e2e_args args;
        struct e2e_run run;
        run_words(&run, &args, runs[i]);
        if (run.status != 0 || e2e_finding_count(&run) != 0) {
            e2e_fail(&run, &args, "expected no finding");
        }
        e2e_free(&run);
    }
}

static void what_cannot_be_is_told(void **state)
{
    char folder[] = "/tmp/vdifault-as-XXXXXX", client[64];
    struct e2e_args args;
    struct e2e_run run;
    (void)state;
    run_words(&run, &args, (const char *const[WORDS]){"run", "--as=vdifault-nobody", "--", "true"});
    if (run.status != 3 || strstr(run.output, "--as 'vdifault-nobody': there is no such user") == NULL) {
        e2e_fail(&run, &args, "expected exit status 3");
    }
    e2e_free(&run);
    if (!can_test()) {
        return;
    }
    run_words(&run, &args,
              (const char *const[WORDS]){"run", "--as=nobody", "--", E2E_VDIFAULT, "run", "--as=root", "--",
                                         "true"});
    if (strstr(run.output, "--as 'root': only root can start a client as another user") == NULL) {
        e2e_fail(&run, &args, "expected a refusal");
    }
    e2e_free(&run);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0777), 0);
    run_words(&run, &args,
              (const char *const[WORDS]){"run", "--", "setpriv", "--reuid=65534", "--clear-groups",
                                         CLIENT("correct_c"), "backup", "--set", "one", "--database", "sales",
                                         "--dir", folder, "--patience", "500"});
    if (run.status != 3 || strstr(run.output, "becomes another user, who may not enter") == NULL ||
        strstr(run.output, "Permission denied (is this another user than") == NULL) {
        e2e_fail(&run, &args, "expected exit status 3");
    }
    e2e_free(&run);
    snprintf(client, sizeof client, "%s/one.0.bak", folder);
    unlink(client);
    assert_int_equal(chmod(folder, 0700), 0);
    snprintf(client, sizeof client, "%s/client", folder);
    assert_int_equal(symlink(CLIENT("correct_c"), client), 0);
    run_words(&run, &args, (const char *const[WORDS]){"run", "--as=nobody", "--", client});
    unlink(client);
    rmdir(folder);
    if (run.status != 3 || strstr(run.output, "that user cannot run or enter '") == NULL) {
        e2e_fail(&run, &args, "expected exit status 3");
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_is_told),
        cmocka_unit_test(what_is_the_clients_is_that_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
