/* input.c - see input.h. */
#include "input.h"

#include <errno.h>
#include <string.h>

#include "event.h"

/* No guard, no second process of the client's, no process that dies of the client's own doing, none of its own calls of
 * the system but those that are the simulation's. */
bool input_has(enum fault_kind kind)
{
    const struct fault_info *info = &fault_table[kind];
    bool lacking = (info->effects & FAULT_NEEDS_GUARD) != 0 && kind != FAULT_EARLY_CLOSE;
    return !lacking && (info->effects & FAULT_KILLS_PROCESS) == 0 && info->place != FAULT_IN_FILES &&
           kind != FAULT_SERVER_HANG && kind != FAULT_SECONDARY_CRASH && kind != FAULT_STALE_SET;
}

/* --- tables as numbers, and back --- */

static uint32_t count_kinds(void)
{
    uint32_t count = 0;
    for (uint32_t kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        count += input_has((enum fault_kind)kind) ? 1 : 0;
    }
    return count;
}

static enum fault_kind kind_of(uint8_t number)
{
    uint32_t left = number % count_kinds();
    uint32_t kind = 0;
    while (!input_has((enum fault_kind)kind) || left-- > 0) {
        kind++;
    }
    return (enum fault_kind)kind;
}

static uint8_t number_of(enum fault_kind kind)
{
    uint8_t number = 0;
    for (uint32_t before = 0; before < kind; before++) {
        number = (uint8_t)(number + (input_has((enum fault_kind)before) ? 1 : 0));
    }
    return number;
}

/* Functions first, then commands; the n-th bit that is set of both. */
static uint64_t sites_of(enum fault_kind kind)
{
    return fault_table[kind].functions | (uint64_t)fault_table[kind].commands << 32;
}

static void set_site(enum fault_kind kind, uint8_t number, struct fault_site *site)
{
    uint64_t sites = sites_of(kind);
    uint32_t left = sites != 0 ? number % (uint32_t)__builtin_popcountll(sites) : 0;
    for (; left > 0; left--) {
        sites &= sites - 1;
    }
    uint32_t bit = sites != 0 ? (uint32_t)__builtin_ctzll(sites) : 0;
    site->function = (uint16_t)(bit < 32 ? bit : 0);
    site->command = (uint16_t)(bit < 32 ? 0 : bit - 32);
}

static uint8_t site_number(const struct fault *fault)
{
    uint32_t bit = fault->site.function != 0 ? fault->site.function : fault->site.command + 32u;
    return (uint8_t)__builtin_popcountll(sites_of(fault->kind) & ((UINT64_C(1) << bit) - 1));
}

static int32_t choices_of(const char *values)
{
    int32_t count = 0;
    size_t length;
    while (fault_value_word(values, count, &length) != NULL) {
        count++;
    }
    return count;
}

static int32_t within(int32_t value, int32_t min, int32_t max)
{
    uint32_t range = (uint32_t)max - (uint32_t)min + 1;
    bool fits = value >= min && value <= max;
    return fits || range == 0 ? value : (int32_t)((uint32_t)min + (uint32_t)value % range);
}

/* --- reading --- */

/* What a record's number is to be below or at. */
static int32_t most_of(const struct fault_arg_info *arg)
{
    return arg->arg == FAULT_ARG_KIB && arg->max > INPUT_KIB_MAX ? INPUT_KIB_MAX : arg->max;
}

static void read_arguments(const struct input_fault *record, struct fault *fault)
{
    const struct fault_arg_info *args = fault_table[fault->kind].args;
    for (uint32_t i = 0; i < FAULT_ARGS_MAX && args[i].type != 0; i++) {
        bool choice = args[i].type == FAULT_VALUE_CHOICE;
        fault->arg[args[i].arg] = choice ? within(record->arg[i], 0, choices_of(args[i].values) - 1)
                                         : within(record->arg[i], args[i].min, most_of(&args[i]));
    }
}

/* What has not the form of a plan's line is left out: the same parser decides as for everybody. */
static bool read_fault(const struct input_fault *record, struct fault *fault)
{
    char text[FAULT_TEXT_MAX];
    struct fault_error error;
    memset(fault, 0, sizeof *fault);
    fault->kind = kind_of(record->kind);
    if (fault_table[fault->kind].everywhere) {
        read_arguments(record, fault);
        fault->site.nth = 1;
        fault->site.device = FAULT_DEVICE_ANY;
    } else {
        set_site(fault->kind, record->site, &fault->site);
        fault->site.nth = record->how == INPUT_NEXT ? FAULT_NTH_NEXT : record->nth != 0 ? record->nth : 1;
        fault->site.and_later = record->how == INPUT_AND_LATER && fault->kind != FAULT_CHATTY;
        fault->site.device = record->device < 2 ? -1 - record->device : (record->device - 2) % INPUT_DEVICES;
        fault->site.operation = record->operation % INPUT_OPERATIONS;
        read_arguments(record, fault);
    }
    bool touches = fault->kind == FAULT_ABORT && fault->arg[FAULT_ARG_AT] == FAULT_AT_TOUCH;
    return !touches && fault_format(fault, text, sizeof text) < (int)sizeof text &&
           fault_parse(text, fault, &error) == 0;
}

static void read_records(const uint8_t *bytes, size_t size, struct plan *plan)
{
    struct input_header header = {0};
    memcpy(&header, bytes, size < sizeof header ? size : sizeof header);
    plan->seed = header.seed;
    plan->size = (uint32_t)within((int32_t)header.size, INPUT_SIZE_MIN, INPUT_SIZE_MAX);
    enum plan_choice *const choices[] = {&plan->clear_error, &plan->late_buffers, &plan->complete,
                                         &plan->backed_up};
    for (uint32_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        *choices[i] = (enum plan_choice)(header.choices[i] % (PLAN_NO + 1));
    }
    for (size_t at = sizeof header;
         at + sizeof(struct input_fault) <= size && plan->fault_count < INPUT_FAULTS_MAX;
         at += sizeof(struct input_fault)) {
        struct input_fault record;
        struct fault *fault = &plan->faults[plan->fault_count];
        memcpy(&record, bytes + at, sizeof record);
        if (read_fault(&record, fault) && (fault->site.nth != FAULT_NTH_NEXT || plan->fault_count > 0)) {
            plan->fault_count++;
        }
    }
}

/* It begins like a plan's file, and has nothing in it that no text has: records have. */
static bool is_text(const uint8_t *bytes, size_t size)
{
    static const char *const begins[] = {"fault ", "server ", "# "};
    bool begun = false, printable = true;
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        size_t length = strlen(begins[i]);
        begun = begun || (size >= length && memcmp(bytes, begins[i], length) == 0);
    }
    for (size_t i = 0; i < size && begun && printable; i++) {
        printable = bytes[i] >= ' ' || bytes[i] == '\n' || bytes[i] == '\t' || bytes[i] == '\r';
    }
    return begun && printable;
}

int input_read(const uint8_t *bytes, size_t size, struct plan *plan, struct fault_error *error,
               uint32_t *line)
{
    plan_init(plan);
    plan->size = INPUT_SIZE_MAX / 4;
    if (is_text(bytes, size)) {
        return plan_parse((const char *)bytes, size, plan, error, line);
    }
    read_records(bytes, size, plan);
    return 0;
}

/* --- writing --- */

static void write_fault(const struct fault *fault, struct input_fault *record)
{
    const struct fault_arg_info *args = fault_table[fault->kind].args;
    const struct fault_site *site = &fault->site;
    memset(record, 0, sizeof *record);
    record->kind = number_of(fault->kind);
    record->site = fault_table[fault->kind].everywhere ? 0 : site_number(fault);
    record->how = site->nth == FAULT_NTH_NEXT ? INPUT_NEXT : site->and_later ? INPUT_AND_LATER : INPUT_ONCE;
    record->nth = (uint8_t)(site->nth > 0 && site->nth <= UINT8_MAX ? site->nth : 1);
    record->device = (uint8_t)(site->device < 0 ? -1 - site->device : site->device % INPUT_DEVICES + 2);
    record->operation = (uint8_t)(site->operation % INPUT_OPERATIONS);
    for (uint32_t i = 0; i < FAULT_ARGS_MAX && args[i].type != 0; i++) {
        record->arg[i] = fault->arg[args[i].arg];
    }
}

size_t input_write(const struct plan *plan, uint8_t bytes[INPUT_MAX])
{
    struct input_header header = {.seed = (uint32_t)plan->seed,
                                  .size = (uint32_t)plan->size,
                                  .choices = {(uint8_t)plan->clear_error, (uint8_t)plan->late_buffers,
                                              (uint8_t)plan->complete, (uint8_t)plan->backed_up}};
    size_t size = sizeof header;
    memcpy(bytes, &header, sizeof header);
    for (uint32_t i = 0; i < plan->fault_count && i < INPUT_FAULTS_MAX; i++) {
        struct input_fault record;
        if (input_has(plan->faults[i].kind)) {
            write_fault(&plan->faults[i], &record);
            memcpy(bytes + size, &record, sizeof record);
            size += sizeof record;
        }
    }
    return size;
}
