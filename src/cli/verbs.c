/* verbs.c - the table of verbs, help, --version, and what happens to an unknown verb. */
#include "verbs.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dialect.h"
#include "near.h"

static int run_help(int argc, char **argv);

static const struct verb verb_help = {
    .name = "help",
    .arguments = "[VERB]",
    .summary = "what a verb does, its options and examples",
    .examples = "  vdifault help run\n",
    .run = run_help,
};

static const struct verb *const verbs[] = {
    &verb_run,    &verb_sweep,   &verb_record, &verb_minimize, &verb_replay,
    &verb_report, &verb_bundle,  &verb_trace,  &verb_explain,  &verb_rules,
    &verb_faults, &verb_conform, &verb_doctor, &verb_unit,     &verb_help,
};
enum {
    VERB_COUNT = sizeof verbs / sizeof verbs[0]
};

void cli_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("vdifault: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static void print_help(const struct verb *verb)
{
    printf("usage: vdifault %s%s%s\n\n%s\n", verb->name, verb->arguments[0] != '\0' ? " " : "",
           verb->arguments, verb->summary);
    printf("\noptions:\n");
    option_help(stdout, verb->options, verb->shared);
    if (verb->examples != NULL) {
        printf("\nexamples:\n%s", verb->examples);
    }
}

int cli_verb_start(const struct verb *verb, int argc, char **argv, void *context, int *first, int *status)
{
    switch (option_read(verb->name, verb->options, verb->shared, argc, argv, context, first)) {
    case OPTION_OK:
        return 0;
    case OPTION_HELP:
        print_help(verb);
        *status = CLI_CLEAN;
        return -1;
    default:
        *status = CLI_USAGE;
        return -1;
    }
}

int cli_check_dialect(const char *verb)
{
    struct dialect dialect;
    const char *wrong;
    char known[256] = "";
    if (dialect_parse(getenv(DIALECT_VARIABLE), &dialect, &wrong) == 0) {
        return CLI_CLEAN;
    }
    for (int i = 0; i < DIALECT_CHOICES; i++) {
        const struct dialect_info *info = &dialect_table[i];
        size_t length = strlen(known);
        snprintf(known + length, sizeof known - length, "%s%s:%s|%s", i == 0 ? "" : ", ", info->name,
                 info->usual, info->other);
    }
    cli_error("%s: " DIALECT_VARIABLE ": '%.*s' is no reading; expected %s", verb, (int)strcspn(wrong, ","),
              wrong, known);
    return CLI_USAGE;
}

static void print_usage(FILE *out)
{
    fprintf(
        out,
        "vdifault wraps a client of SQL Server's Virtual Device Interface, injects faults and judges what\n"
        "the client does.\n\n"
        "usage: vdifault VERB [options]\n\nverbs:\n");
    for (size_t i = 0; i < VERB_COUNT; i++) {
        fprintf(out, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
    }
    fprintf(out,
            "\n  vdifault VERB --help      options and examples of a verb\n"
            "  vdifault --version        the version\n\n"
            "exit status: 0 no finding, 1 findings, 2 usage, 3 the run could not be set up or a fault never "
            "fired\n"
            "\nstart with:  vdifault run --fault lost-close -- ./client arguments...\n");
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

static int refuse_verb(const char *name)
{
    struct near_word near;
    char hint[96];
    near_start(&near, name, strlen(name));
    for (size_t i = 0; i < VERB_COUNT; i++) {
        near_offer(&near, verbs[i]->name);
    }
    cli_error("unknown verb '%s'%s (see vdifault help)", name, near_text(&near, hint, sizeof hint));
    return CLI_USAGE;
}

static int run_help(int argc, char **argv)
{
    int first = 0;
    int status = CLI_CLEAN;
    if (cli_verb_start(&verb_help, argc, argv, NULL, &first, &status) != 0) {
        return status;
    }
    if (first >= argc) {
        print_usage(stdout);
        return CLI_CLEAN;
    }
    const struct verb *verb = find_verb(argv[first]);
    if (verb == NULL) {
        return refuse_verb(argv[first]);
    }
    print_help(verb);
    return CLI_CLEAN;
}

int vdifault_main(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return CLI_CLEAN;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("vdifault %s\n", VDIFAULT_VERSION);
        return CLI_CLEAN;
    }
    const struct verb *verb = find_verb(argv[1]);
    return verb != NULL ? verb->run(argc - 1, argv + 1) : refuse_verb(argv[1]);
}
