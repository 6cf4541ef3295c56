/* faults.c - `vdifault faults`: the fault catalogue, printed. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "event.h"
#include "fault.h"
#include "faults_markdown.h"

static const char *const class_names[] = {
    [FAULT_CLASS_SPEC] = "spec", [FAULT_CLASS_FIELD] = "field", [FAULT_CLASS_HOSTILE] = "hostile"};

static void print_sites(const struct fault_info *info)
{
    if (info->everywhere) {
        printf("  sites:   none, it is at every call\n");
        return;
    }
    printf("  sites:  ");
    for (int function = 1; function < VDI_FN_COUNT; function++) {
        if ((info->functions >> function) & 1) {
            printf(" %s", vdi_function_names[function]);
        }
    }
    for (int command = 1; command < 32; command++) {
        const char *name = ((info->commands >> command) & 1) != 0 ? vdi_command_name(command) : NULL;
        if (name != NULL) {
            printf(" %s", name);
        }
    }
    printf("\n  default: %s\n",
           info->default_site != NULL ? info->default_site : "none, a site must be given");
}

static void print_argument(const struct fault_arg_info *arg)
{
    size_t length = 0;
    if (arg->type == FAULT_VALUE_CHOICE) {
        const char *word = fault_value_word(arg->values, arg->fallback, &length);
        printf("  %s=%s (default %.*s)\n", arg->name, arg->values, (int)length, word);
    } else {
        printf("  %s=%s (default %d)\n", arg->name, arg->values, arg->fallback);
    }
}

static void print_fault(const struct fault_info *info)
{
    printf("%s (%s)\n  what:    %s\n", info->name, class_names[info->class], info->what);
    printf("  really:  %s\n", info->real);
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        print_argument(arg);
    }
    print_sites(info);
    if (info->unless != NULL) {
        printf("  unless:  %s\n", info->unless);
    }
    printf("  real server: %s\n  correct client: %s\n  brings out: %s\n\n",
           info->works_on_real_server ? "yes" : "no", info->correct_client, info->rules);
}

static int print_faults(void)
{
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        print_fault(&fault_table[i]);
    }
    printf(
        "site = name[#nth][:device][/op]   nth = n, n+ (n and later), last, next, next+, *   device = index "
        "or *\n"
        "  name: a VDI function, counted on entry, or a command without VDC_, counted on delivery\n");
    return ferror(stdout);
}

static int set_format(void *context, const char *value)
{
    bool *markdown = context;
    *markdown = strcmp(value, "markdown") == 0;
    if (!*markdown && strcmp(value, "text") != 0) {
        cli_error("faults: --format: '%s' is none of text, markdown", value);
        return -1;
    }
    return 0;
}

static const struct option_row faults_rows[] = {
    {"format", "FORMAT", "text (default) or markdown", set_format},
    {NULL, NULL, NULL, NULL},
};

static int run_faults(int argc, char **argv)
{
    bool markdown = false;
    int first = 0;
    int status = CLI_CLEAN;
    if (cli_verb_start(&verb_faults, argc, argv, &markdown, &first, &status) != 0) {
        return status;
    }
    if (first < argc) {
        cli_error("faults: takes no argument, got '%s'", argv[first]);
        return CLI_USAGE;
    }
    if ((markdown ? faults_markdown(stdout) : print_faults()) != 0 || fflush(stdout) != 0) {
        cli_error("faults: cannot write the list");
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

const struct verb verb_faults = {
    .name = "faults",
    .arguments = "[options]",
    .summary = "lists the fault kinds: arguments, sites, what a correct client does",
    .options = faults_rows,
    .examples = "  vdifault faults\n",
    .run = run_faults,
};
