/* trial.c - see trial.h. */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn static void run_child(const struct plan *plan, bool quiet, struct trial *shared)
{
    struct verdict verdict;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO); /* what goes there is the parent's: results, or a plan */
        dup2(quiet ? nowhere : STDERR_FILENO, STDERR_FILENO);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* who stops the whole means this, too */
    alarm(TRIAL_SECONDS);             /* a client that computes for ever is no wait of the simulation's */
    world_run(plan, &verdict, NULL, WORLD_REPORT_NOTHING);
    if (verdict.rule[0] != '\0') {
        snprintf(shared->signature, sizeof shared->signature, "%s%s%s", verdict.rule,
                 verdict.function[0] != '\0' ? " " : "", verdict.function);
        memcpy(shared->text, verdict.text, sizeof shared->text);
    }
    shared->judged = true;
    _exit(0);
}

/* What it told stands, if it came so far; else the manner of its death. Status 0 is one, too: exec, quick_exit. */
static void note_death(int status, struct trial *trial)
{
    if (trial->judged) {
        return;
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        snprintf(trial->signature, sizeof trial->signature, "no end after %d s of computing", TRIAL_SECONDS);
    } else if (WIFSIGNALED(status)) {
        snprintf(trial->signature, sizeof trial->signature, "%s", strsignal(WTERMSIG(status)));
    } else {
        snprintf(trial->signature, sizeof trial->signature, "crash, exit status %d", WEXITSTATUS(status));
    }
}

int trial_run(const struct plan *plan, bool quiet, struct trial *trial)
{
    struct trial *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0, error = 0;
    memset(trial, 0, sizeof *trial);
    if (shared == MAP_FAILED) {
        return errno;
    }
    world_open(); /* a child that crashes would leave a folder of its own behind */
    pid_t child = fork();
    if (child == 0) {
        run_child(plan, quiet, shared);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        error = errno;
    } else {
        *trial = *shared;
        note_death(status, trial);
    }
    munmap(shared, sizeof *shared);
    return error;
}
