/* plan_fuzzer.c - plans and faults: the parser, the printer, and the counting of arrivals at a site.
 *
 * An input is a byte that says how to read the rest, then the plan, then a zero byte, then arrivals. The plan is text
 * as it is, or a word a byte, from the language's own vocabulary: random bytes alone never get past the first word.
 *
 * Promises: text that is refused is refused with a message and a place inside the line; what is taken prints, and its
 * print parses back to the same plan and prints the same; a fault without "+" fires exactly once (once per device with
 * ":*"), at the nth arrival its site counts, and one with "+" at every arrival from the nth on.
 */
#include <stdint.h>
#include <string.h>

#include "event.h"
#include "plan.h"
#include "promise.h"
#include "runstate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TEXT_MAX = 4096,
    DEVICES = 4
};

/* What a byte stands for, besides the names of kinds, arguments, functions and commands. */
static const char *const marks[] = {"fault ",
                                    "server ",
                                    "seed ",
                                    "size ",
                                    "database ",
                                    "clear-error ",
                                    "always",
                                    "never",
                                    "yes",
                                    "no",
                                    "complete ",
                                    "late-buffers ",
                                    "\n",
                                    "# ",
                                    "@",
                                    "#",
                                    ":",
                                    "/",
                                    "(",
                                    ")",
                                    ",",
                                    "=",
                                    "+",
                                    "*",
                                    "last",
                                    "0",
                                    "1",
                                    "2",
                                    "63",
                                    "64",
                                    "255",
                                    "256",
                                    "2147483647",
                                    "99999999999",
                                    "-1",
                                    " ",
                                    "\t",
                                    "K",
                                    "G",
                                    "x=/y",
                                    "\r",
                                    "server|client",
                                    "profile ",
                                    "recorded ",
                                    "backup ",
                                    "restore ",
                                    "device ",
                                    "mix",
                                    "outstanding ",
                                    "buffers ",
                                    "sizes ",
                                    "order ",
                                    "close ",
                                    "flush ",
                                    "pause:",
                                    "65536",
                                    "close-open"};

/* The index-th word of the vocabulary, with its length. */
static const char *vocabulary(size_t index, size_t *length)
{
    const char *word = NULL;
    size_t kinds = (size_t)FAULT_KIND_COUNT;
    if (index < sizeof marks / sizeof marks[0]) {
        word = marks[index];
    } else if ((index -= sizeof marks / sizeof marks[0]) < kinds) {
        word = fault_table[index].name;
    } else if ((index -= kinds) < VDI_FN_COUNT) {
        word = vdi_function_names[index];
    } else if ((index -= VDI_FN_COUNT) < 20) {
        word = vdi_command_name((int32_t)index);
    } else {
        /* Arguments, with each of their choices. */
        const struct fault_info *info = &fault_table[index % kinds];
        size_t count = 0;
        while (info->args[count].type != 0) {
            count++;
        }
        const struct fault_arg_info *arg = count != 0 ? &info->args[index / kinds % count] : NULL;
        if (arg != NULL && arg->type == FAULT_VALUE_CHOICE && index % 2 != 0) {
            word = fault_value_word(arg->values, (int32_t)(index % 3), length);
            return word;
        }
        word = arg != NULL ? arg->name : NULL;
    }
    *length = word != NULL ? strlen(word) : 0;
    return word;
}

/* Reads the plan's text; returns where the arrivals start. */
static const uint8_t *read_text(const uint8_t *data, const uint8_t *end, char *text, size_t *length)
{
    bool in_words = data < end && *data++ % 2 != 0;
    *length = 0;
    while (data < end && *data != 0) {
        char byte = (char)*data;
        size_t count = 1;
        const char *word = in_words ? vocabulary((size_t)*data - 1, &count) : &byte;
        if (word != NULL && *length + count < TEXT_MAX) {
            memcpy(text + *length, word, count);
            *length += count;
        }
        data++;
    }
    return data < end ? data + 1 : end;
}

static void check_refusal(const char *text, size_t length, uint32_t line, const struct fault_error *error)
{
    const char *at = text;
    PROMISE(line >= 1);
    for (uint32_t i = 1; i < line; i++) {
        at = memchr(at, '\n', length - (size_t)(at - text));
        PROMISE(at != NULL);
        at++;
    }
    const char *stop = memchr(at, '\n', length - (size_t)(at - text));
    size_t line_length = (size_t)((stop != NULL ? stop : text + length) - at);
    PROMISE(error->message[0] != '\0' && memchr(error->message, 0, sizeof error->message) != NULL);
    PROMISE(error->offset <= line_length);
}

static bool same_fault(const struct fault *a, const struct fault *b)
{
    const struct fault_site *one = &a->site, *other = &b->site;
    return a->kind == b->kind && memcmp(a->arg, b->arg, sizeof a->arg) == 0 &&
           one->function == other->function && one->command == other->command && one->nth == other->nth &&
           one->and_later == other->and_later && one->device == other->device &&
           one->operation == other->operation;
}

static void check_round_trip(const struct plan *plan)
{
    static struct plan again;
    static char text[1 << 16], repeated[1 << 16];
    struct fault_error error;
    uint32_t line = 0;
    int length = plan_format(plan, text, sizeof text);
    PROMISE(length >= 0 && (size_t)length < sizeof text);
    plan_init(&again);
    PROMISE(plan_parse(text, (size_t)length, &again, &error, &line) == 0);
    PROMISE(plan_format(&again, repeated, sizeof repeated) == length && strcmp(text, repeated) == 0);
    PROMISE(again.fault_count == plan->fault_count && again.database_count == plan->database_count);
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        PROMISE(same_fault(&plan->faults[i], &again.faults[i]));
    }
}

/* A fault at its site, device by device, against the plainest count there is. */
static void check_arrivals(const struct plan *plan, const uint8_t *data, const uint8_t *end)
{
    struct run_state *state = run_state_attach(); /* private: no folder */
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        int32_t seen[DEVICES] = {0};
        uint32_t fired = 0, fired_on[DEVICES] = {0};
        memset(&state->faults[i], 0, sizeof state->faults[i]);
        for (const uint8_t *at = data; at < end && fault->site.nth != FAULT_NTH_LAST; at++) {
            int32_t device = *at % DEVICES;
            int32_t operation = (*at & 0x80) != 0 ? fault->site.operation + 1 : fault->site.operation;
            bool counts = operation == fault->site.operation &&
                          (fault->site.device < 0 || fault->site.device == device);
            int32_t n = counts ? ++seen[device] : 0;
            bool due = counts && (fault->site.and_later ? n >= fault->site.nth : n == fault->site.nth);
            if (!fault->site.and_later) {
                due = due && (fault->site.device == FAULT_DEVICE_EACH ? fired_on[device] == 0 : fired == 0);
            }
            PROMISE(run_fault_arrive(i, fault, operation, device) == due);
            fired += due;
            fired_on[device] += due;
        }
        PROMISE(atomic_load(&state->faults[i].fired) == fired);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static char text[TEXT_MAX];
    struct fault_error error;
    uint32_t line = 0;
    size_t length = 0;
    const uint8_t *arrivals = read_text(data, data + size, text, &length);
    plan_init(&plan);
    if (plan_parse(text, length, &plan, &error, &line) != 0) {
        check_refusal(text, length, line, &error);
        return 0;
    }
    check_round_trip(&plan);
    check_arrivals(&plan, arrivals, data + size);
    return 0;
}
