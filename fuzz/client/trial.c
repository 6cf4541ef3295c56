/* trial.c - see trial.h. */
#include "trial.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sanitizer_text.h"

_Noreturn static void run_child(const struct plan *plan, int errors, struct trial *shared)
{
    struct verdict verdict;
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO); /* what goes there is the parent's: results, or a plan */
    }
    dup2(errors, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* who stops the whole means this, too */
    alarm(TRIAL_SECONDS);             /* a client that computes for ever is no wait of the simulation's */
    world.refusal = shared->refusal;
    world_run(plan, &verdict, NULL, WORLD_REPORT_NOTHING);
    if (verdict.rule[0] != '\0') {
        snprintf(shared->signature, sizeof shared->signature, "%s%s%s", verdict.rule,
                 verdict.function[0] != '\0' ? " " : "", verdict.function);
        memcpy(shared->text, verdict.text, sizeof shared->text);
    }
    shared->judged = true;
    _exit(0);
}

/* --- a death --- */

/* The folder of this project's sources, as they were compiled: of frames below it in src, inject and fuzz/client. */
static bool is_own_source(const char *path)
{
    static const char here[] = __FILE__, tail[] = "fuzz/client/trial.c";
    static const char *const folders[] = {"src/", "inject/", "fuzz/client/"};
    size_t root = sizeof here - sizeof tail;
    if (strncmp(path, here, root) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (strncmp(path + root, folders[i], strlen(folders[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* An address of a child's is one of this process's: it is a copy. */
static bool is_system(uint64_t address)
{
    static const char *const objects[] = {"linux-vdso", "ld-linux",   "libc.",    "libm.",
                                          "libgcc",     "libpthread", "libstdc++"};
    Dl_info about;
    if (address == 0 || dladdr((void *)(uintptr_t)address, &about) == 0 || about.dli_fname == NULL) {
        return false;
    }
    const char *slash = strrchr(about.dli_fname, '/');
    const char *name = slash != NULL ? slash + 1 : about.dli_fname;
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        if (strncmp(name, objects[i], strlen(objects[i])) == 0) {
            return true;
        }
    }
    return strncmp(name, "lib", 3) == 0 && strstr(name, "san.so") != NULL; /* libasan.so.8 and its kind */
}

/* The sanitizer's runtime in the program itself has no lines; a client without any is taken as it is. */
static const struct sanitizer_frame *frame_of_client(const struct sanitizer_text *text)
{
    const struct sanitizer_frame *unknown = NULL;
    for (uint32_t i = 0; i < text->frame_count; i++) {
        const struct sanitizer_frame *frame = &text->frames[i];
        if (is_system(frame->address) || is_own_source(frame->path)) {
            continue;
        }
        if (frame->line > 0) {
            return frame;
        }
        bool runtime =
            strstr(frame->function, "interceptor_") != NULL || strncmp(frame->function, "__", 2) == 0;
        unknown = unknown == NULL && frame->function[0] != '\0' && !runtime ? frame : unknown;
    }
    return unknown;
}

/* "heap-use-after-free in store_block client.c:42" */
static void tell_report(const struct sanitizer_text *text, struct trial *trial)
{
    const struct sanitizer_frame *frame = frame_of_client(text);
    FILE *out = fmemopen(trial->signature, sizeof trial->signature, "w");
    if (out == NULL) {
        return;
    }
    fputs(text->kind[0] != '\0' ? text->kind : "a sanitizer's report", out);
    if (frame != NULL) {
        const char *slash = strrchr(frame->path, '/');
        fputs(frame->function[0] != '\0' || frame->line > 0 ? " in" : "", out);
        fprintf(out, "%s%s", frame->function[0] != '\0' ? " " : "", frame->function);
        if (frame->line > 0) {
            fprintf(out, " %s:%u", slash != NULL ? slash + 1 : frame->path, frame->line);
        }
    }
    fclose(out);
}

/* What it told stands, if it came so far; else the manner of its death. Status 0 is one, too: exec. */
static void note_death(int status, const struct sanitizer_text *text, struct trial *trial)
{
    if (trial->judged || trial->refusal[0] != '\0') {
        return;
    }
    if (text->line[0] != '\0') {
        tell_report(text, trial);
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        snprintf(trial->signature, sizeof trial->signature, "no end after %d s of computing", TRIAL_SECONDS);
    } else if (WIFSIGNALED(status)) {
        snprintf(trial->signature, sizeof trial->signature, "%s", strsignal(WTERMSIG(status)));
    } else {
        snprintf(trial->signature, sizeof trial->signature, "crash, exit status %d", WEXITSTATUS(status));
    }
}

static void read_errors(int errors, bool quiet, struct sanitizer_text *text)
{
    FILE *in = lseek(errors, 0, SEEK_SET) == 0 ? fdopen(errors, "r") : NULL;
    if (in != NULL) {
        sanitizer_text_read(in, quiet ? NULL : stderr, text);
        fclose(in);
    } else {
        close(errors);
    }
}

int trial_run(const struct plan *plan, bool quiet, struct trial *trial)
{
    struct trial *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sanitizer_text text = {.line = ""};
    int errors = memfd_create("stderr", MFD_CLOEXEC), status = 0, error = 0;
    memset(trial, 0, sizeof *trial);
    if (shared == MAP_FAILED || errors < 0) {
        error = errno;
        goto out;
    }
    world_open(); /* a child that crashes would leave a folder of its own behind */
    pid_t child = fork();
    if (child == 0) {
        run_child(plan, errors, shared);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        error = errno;
        goto out;
    }
    read_errors(errors, quiet, &text);
    errors = -1;
    *trial = *shared;
    note_death(status, &text, trial);
out:
    if (errors >= 0) {
        close(errors);
    }
    if (shared != MAP_FAILED) {
        munmap(shared, sizeof *shared);
    }
    return error;
}
