/* faults_markdown.c - the fault catalogue as docs/faults.md has it. */
#include "faults_markdown.h"

#include <string.h>

#include "event.h"
#include "fault.h"

enum {
    COMMANDS = 32
};

static const char *const class_names[] = {
    [FAULT_CLASS_SPEC] = "spec", [FAULT_CLASS_FIELD] = "field", [FAULT_CLASS_HOSTILE] = "hostile"};

static void put_functions(FILE *out, const struct fault_info *info)
{
    const char *between = "";
    for (int function = 1; function < VDI_FN_COUNT; function++) {
        if ((info->functions >> function) & 1) {
            fprintf(out, "%s%s", between, vdi_function_names[function]);
            between = ", ";
        }
    }
}

static void put_commands(FILE *out, const struct fault_info *info)
{
    const char *between = info->functions != 0 ? ", " : "";
    uint32_t named = 0;
    for (int command = 1; command < COMMANDS; command++) {
        named |= vdi_command_name(command) != NULL ? 1u << command : 0;
    }
    if (info->commands != 0 && (info->commands & named) == named) {
        fprintf(out, "%severy command", between);
        return;
    }
    for (int command = 1; command < COMMANDS; command++) {
        if ((info->commands & named) >> command & 1) {
            fprintf(out, "%s%s", between, vdi_command_name(command));
            between = ", ";
        }
    }
}

static void put_sites(FILE *out, const struct fault_info *info)
{
    if (info->everywhere) {
        fputs("* at: every call; it takes no site\n", out);
        return;
    }
    fputs("* at: ", out);
    put_functions(out, info);
    put_commands(out, info);
    if (info->default_site != NULL) {
        fprintf(out, "; without a site at %s", info->default_site);
    }
    fputc('\n', out);
}

static void put_arguments(FILE *out, const struct fault_info *info)
{
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        size_t length = 0;
        const char *word =
            arg->type == FAULT_VALUE_CHOICE ? fault_value_word(arg->values, arg->fallback, &length) : NULL;
        fprintf(out, "* `%s=%s`, ", arg->name, arg->values);
        if (word != NULL) {
            fprintf(out, "`%.*s` unless given\n", (int)length, word);
        } else {
            fprintf(out, "%d unless given\n", arg->fallback);
        }
    }
}

static void put_fault(FILE *out, const struct fault_info *info)
{
    fprintf(out, "\n## %s\n\n%s; %s.\n\n* really: %s\n", info->name, class_names[info->class], info->what,
            info->real);
    put_arguments(out, info);
    put_sites(out, info);
    if (info->unless != NULL) {
        fprintf(out, "* unless: %s\n", info->unless);
    }
    fprintf(out, "* a correct client: %s\n* brings out: %s\n* with a real server: %s\n", info->correct_client,
            info->rules, info->works_on_real_server ? "yes" : "no");
}

int faults_markdown(FILE *out)
{
    fputs(
        "# The faults\n\n"
        "What `--fault` takes and `vdifault sweep` tries, as `vdifault faults` prints it. Written by `cmake "
        "--build "
        "BUILD --target docs`; a test compares.\n\n"
        "    kind(argument=value,...)@site#nth:device/operation\n\n"
        "A site is a VDI function, counted on entry, or a command without its VDC_ prefix, counted on "
        "delivery; nth is "
        "n, n+ (n and every later one), last, or *; a device is its index, or * for each.\n\n"
        "Classes: *spec*, what the documents allow a client to meet; *field*, what a public report shows "
        "clients have "
        "met; *hostile*, what only a broken or malicious server could do: tried by a sweep with `--hostile` "
        "alone.\n",
        out);
    for (size_t i = 0; i < FAULT_KIND_COUNT; i++) {
        put_fault(out, &fault_table[i]);
    }
    return ferror(out);
}
