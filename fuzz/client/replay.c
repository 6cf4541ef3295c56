/* replay.c - a client fuzzer without an engine: runs inputs again, shows them, makes them small. `usage` says how.
 *
 * Each session is a process of its own but for those of -runs, which are the fuzzer's: one after the other in one.
 *
 * --greet FD is for `vdifault minimize --client`: an int of 0 goes to that descriptor before the work begins, and no
 * other program has that word.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"
#include "random.h"
#include "shrink.h"
#include "to_c.h"
#include "trial.h"
#include "vdifault.h"
#include "world.h"

enum {
    EXIT_CLEAN,
    EXIT_FINDING,
    EXIT_USAGE,
    EXIT_SETUP,
    FILE_MAX = 1 << 20,
};

static struct {
    const char *show, *text, *minimize, *output, *to_c, *greet;
    unsigned long long runs, seed;
    bool help;
} options;

static struct plan plan;
static unsigned long runs;

/* --- inputs --- */

/* malloc'd; NULL with a message. */
static uint8_t *read_file(const char *path, size_t *size)
{
    uint8_t *bytes = malloc(FILE_MAX);
    errno = 0;
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (file != NULL && bytes != NULL) {
        *size = fread(bytes, 1, FILE_MAX, file);
    }
    if (file == NULL || bytes == NULL || ferror(file)) {
        fprintf(stderr, "vdifault: cannot read '%s': %s\n", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL) {
        fclose(file);
    }
    return bytes;
}

static int read_plan(const char *path)
{
    struct fault_error error;
    uint32_t line = 0;
    size_t size;
    uint8_t *bytes = read_file(path, &size);
    int status = bytes != NULL ? EXIT_CLEAN : EXIT_USAGE;
    if (bytes != NULL && input_read(bytes, size, &plan, &error, &line) != 0) {
        fprintf(stderr, "vdifault: '%s', line %u: %s\n", path, (unsigned)line, error.message);
        status = EXIT_USAGE;
    }
    free(bytes);
    return status;
}

static int run_file(const char *path)
{
    struct trial trial;
    int status = read_plan(path);
    int error = status == EXIT_CLEAN ? trial_run(&plan, false, &trial) : 0;
    if (status != EXIT_CLEAN || error != 0) {
        return status != EXIT_CLEAN ? status : EXIT_SETUP;
    }
    runs++;
    if (trial.refusal[0] != '\0') {
        printf("%s: cannot be run: %s\n", path, trial.refusal);
        return EXIT_SETUP;
    }
    printf("%s: %s%s%s\n", path, trial.signature[0] != '\0' ? trial.signature : "clean",
           trial.text[0] != '\0' ? ": " : "", trial.text);
    return trial.signature[0] != '\0' ? EXIT_FINDING : EXIT_CLEAN;
}

static int run_path(const char *path)
{
    struct dirent **names;
    struct stat about;
    int status = EXIT_CLEAN;
    if (stat(path, &about) != 0 || !S_ISDIR(about.st_mode)) {
        return run_file(path);
    }
    int count = scandir(path, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, names[i]->d_name);
        int one = names[i]->d_name[0] != '.' ? run_path(inside) : EXIT_CLEAN;
        status = one > status ? one : status;
        free(names[i]);
    }
    if (count >= 0) {
        free(names);
    }
    return status;
}

static void end_endless(int signal)
{
    static const char text[] = "vdifault: the client computes without end: no session needs that long\n";
    (void)signal;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    abort(); /* what an engine makes of it; a debugger sees where */
}

/* As an engine would, without feedback: each from the one before. */
static int run_made_up(void)
{
    static uint8_t bytes[INPUT_MAX];
    struct fault_error error;
    struct verdict verdict = {.function = ""};
    uint64_t random = options.seed;
    uint32_t line;
    size_t size = 0;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = end_endless}, NULL);
    for (unsigned long long i = 0; i < options.runs && verdict.rule[0] == '\0'; i++, runs++) {
        size = input_mutate(bytes, i % 64 == 0 ? 0 : size, sizeof bytes, (uint32_t)random_next(&random));
        if (input_read(bytes, size, &plan, &error, &line) == 0) {
            alarm(TRIAL_SECONDS);
            world_run(&plan, &verdict, stdout, WORLD_REPORT_ERRORS);
        }
    }
    alarm(0);
    return verdict.rule[0] != '\0' ? EXIT_FINDING : EXIT_CLEAN;
}

/* --- one input --- */

static int show(const char *path)
{
    struct verdict verdict;
    int status = read_plan(path);
    if (status != EXIT_CLEAN) {
        return status;
    }
    world_run(&plan, &verdict, stdout, WORLD_REPORT_ALL);
    return verdict.rule[0] != '\0' ? EXIT_FINDING : EXIT_CLEAN;
}

static int print_text(const char *path)
{
    int status = read_plan(path);
    char *text = status == EXIT_CLEAN ? plan_text(&plan) : NULL;
    if (text != NULL) {
        fputs(text, stdout);
    }
    free(text);
    return status == EXIT_CLEAN && text == NULL ? EXIT_SETUP : status;
}

static enum shrink_answer ask(void *context, const struct plan *candidate)
{
    struct trial trial;
    struct trial *finding = context;
    if (trial_run(candidate, true, &trial) != 0) {
        return SHRINK_STOP;
    }
    if (strcmp(trial.signature, finding->signature) != 0) {
        return SHRINK_NOT_SHOWN;
    }
    *finding = trial;
    return SHRINK_SHOWN;
}

static int write_plan(const struct trial *finding, const char *repeat)
{
    FILE *out = options.output != NULL ? fopen(options.output, "we") : stdout;
    char *text = plan_text(&plan);
    bool written =
        out != NULL && text != NULL &&
        fprintf(out, "# %s%s%s\n# %s --show %s\n%s", finding->signature, finding->text[0] != '\0' ? ": " : "",
                finding->text, repeat, options.output != NULL ? options.output : "FILE", text) > 0;
    if (out != NULL && out != stdout && fclose(out) != 0) {
        written = false;
    }
    if (!written) {
        fprintf(stderr, "vdifault: cannot write '%s': %s\n",
                options.output != NULL ? options.output : "stdout", strerror(errno));
    }
    free(text);
    return written ? EXIT_CLEAN : EXIT_SETUP;
}

static int write_test(const struct trial *finding)
{
    FILE *out = fopen(options.to_c, "we");
    int error = out != NULL ? to_c_write(out, &plan, finding) : errno;
    if (out != NULL && fclose(out) != 0) {
        error = errno;
    }
    if (error != 0) {
        fprintf(stderr, "vdifault: cannot write '%s': %s\n", options.to_c, strerror(error));
    }
    return error != 0 ? EXIT_SETUP : EXIT_CLEAN;
}

static int minimize(const char *path, const char *program)
{
    struct trial finding;
    struct shrink shrink = {.ask = ask, .context = &finding, .most = SHRINK_CANDIDATES_MAX};
    int status = read_plan(path);
    if (status != EXIT_CLEAN) {
        return status;
    }
    uint32_t given = plan.fault_count;
    if (trial_run(&plan, false, &finding) != 0 || finding.signature[0] == '\0') {
        fprintf(stderr, "vdifault: '%s' gives no finding: nothing to keep while it shrinks\n", path);
        return EXIT_SETUP;
    }
    shrink_plan(&shrink, &plan);
    status = write_plan(&finding, program);
    if (status == EXIT_CLEAN && options.to_c != NULL) {
        status = write_test(&finding);
    }
    if (status == EXIT_CLEAN) {
        fprintf(stderr, "%s%s%s\n%u of %u faults are left after %u candidates; %s\n", finding.signature,
                finding.text[0] != '\0' ? ": " : "", finding.text, (unsigned)plan.fault_count,
                (unsigned)given, (unsigned)shrink.candidates,
                shrink.minimal ? "no single step makes the plan smaller" : "there may be a smaller plan");
    }
    return status;
}

/* --- the command line --- */

static const char usage[] =
    "usage: %s [-runs=N] [-seed=N] [FILE | FOLDER]...\n"
    "       %s --show FILE\n"
    "       %s --text FILE\n"
    "       %s --minimize FILE [--output PLAN] [--to-c TEST.c]\n"
    "\n"
    "Your client in vdifault's simulation, without a fuzzing engine. FILE: an engine's artifact, or a plan "
    "as\n"
    "`vdifault run --plan` takes it; an empty one is a session without faults. FOLDER: all that is below it, "
    "and\n"
    "without a finding if that is nothing.\n"
    "\n"
    "  -runs=N        N sessions under plans made up, after those of the files; ends with the first finding\n"
    "  -seed=N        of these plans (default 1)\n"
    "  --show FILE    every call, message and finding of its session\n"
    "  --text FILE    the plan as text\n"
    "  --minimize FILE  the smallest plan with the same finding, to stdout\n"
    "  --output PLAN  ... to this file\n"
    "  --to-c TEST.c  ... and a cmocka test of it\n"
    "\n"
    "examples:\n"
    "  %s corpus/ crash-39b69a5f\n"
    "  %s -runs=10000 -seed=7\n"
    "  %s --show crash-39b69a5f\n"
    "  vdifault minimize --client %s --output smallest.plan --to-c test.c crash-39b69a5f\n"
    "\n"
    "exit status: 0 no finding; 1 findings; 2 usage, or a FILE that cannot be read; 3 no session could be "
    "run, or\n"
    "there is nothing to minimize\n";

static int print_usage(const char *name)
{
    return printf(usage, name, name, name, name, name, name, name, name) < 0 ? EXIT_SETUP : EXIT_CLEAN;
}

static int complain(const char *word, const char *expected)
{
    fprintf(stderr, "vdifault: %s%s%s%s; --help says more\n", word != NULL ? "'" : "",
            word != NULL ? word : "", word != NULL ? "': " : "", expected);
    return EXIT_USAGE;
}

static const struct {
    const char *name;
    const char **value;
    bool is_work; /* of the words that are, there is one */
} values[] = {{"--show", &options.show, true},         {"--text", &options.text, true},
              {"--minimize", &options.minimize, true}, {"--output", &options.output, false},
              {"--to-c", &options.to_c, false},        {"--greet", &options.greet, false}};

static bool read_number(const char *text, unsigned long long *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == '\0' && errno == 0;
}

/* How many words it took; 0: it is no option, -1: it is wrong. */
static int take_option(char **words, int left)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(words[0], values[i].name) == 0) {
            *values[i].value = left > 1 ? words[1] : NULL;
            return left > 1 ? 2 : -1;
        }
    }
    if (strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0 || strcmp(words[0], "-help=1") == 0) {
        options.help = true;
        return 1;
    }
    if (strncmp(words[0], "-runs=", 6) == 0) {
        return read_number(words[0] + 6, &options.runs) ? 1 : -1;
    }
    if (strncmp(words[0], "-seed=", 6) == 0) {
        return read_number(words[0] + 6, &options.seed) ? 1 : -1;
    }
    return words[0][0] == '-' ? -1 : 0;
}

/* NULL, or what would have been right. */
static const char *misused(int paths)
{
    int works = 0;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        works += values[i].is_work && *values[i].value != NULL;
    }
    if (works > 1) {
        return "expected one of --show, --text and --minimize";
    }
    if (works > 0 && (paths > 0 || options.runs > 0)) {
        return "expected one FILE, which stands behind --show, --text or --minimize, and no -runs";
    }
    if (options.minimize == NULL && (options.output != NULL || options.to_c != NULL)) {
        return "expected --minimize FILE with --output and --to-c";
    }
    return works == 0 && paths == 0 && options.runs == 0
               ? "nothing to run: expected files and folders, or -runs=N"
               : NULL;
}

static int run_all(int count, char **paths)
{
    int status = EXIT_CLEAN;
    for (int i = 0; i < count; i++) {
        int one = run_path(paths[i]);
        status = one > status ? one : status;
    }
    if (options.runs > 0 && status == EXIT_CLEAN) {
        status = run_made_up();
    }
    printf("%lu sessions\n", runs);
    return status;
}

static void greet(void)
{
    unsigned long long file;
    const int word = 0;
    if (options.greet != NULL && read_number(options.greet, &file)) {
        (void)!write((int)file, &word, sizeof word);
        close((int)file); /* it is none of the client's */
    }
}

int vdifault_client_main(int argc, char **argv)
{
    int at = 1, taken;
    options.seed = 1;
    while (at < argc && (taken = take_option(argv + at, argc - at)) != 0) {
        if (taken < 0) {
            return complain(argv[at],
                            "expected -runs=N, -seed=N, --show FILE, --text FILE, or --minimize FILE "
                            "with --output PLAN and --to-c TEST.c, then files and folders");
        }
        at += taken;
    }
    greet();
    const char *expected = options.help ? NULL : misused(argc - at);
    return options.help               ? print_usage(argv[0])
           : expected != NULL         ? complain(NULL, expected)
           : options.minimize != NULL ? minimize(options.minimize, argv[0])
           : options.show != NULL     ? show(options.show)
           : options.text != NULL     ? print_text(options.text)
                                      : run_all(argc - at, argv + at);
}
