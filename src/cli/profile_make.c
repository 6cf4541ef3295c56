/* profile_make.c - see profile_make.h. */
#include "profile_make.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"
#include "profile_watch.h"
#include "text_out.h"
#include "vdi.h"

enum {
    STEPS_OF_KIND = PROFILE_STEPS_MAX / PROFILE_KINDS,
    EXTENT_HEADER = 512, /* of each Write of ours but the first and the last, this is no data */
    TEXT_MAX = 1 << 16,
};

/* ---- steps ---- */

/* A disk's Reads may be sent in another order than that of the data, which is what is followed. */
static int by_position(const void *a, const void *b)
{
    const struct seen_step *one = a, *other = b;
    return (one->position > other->position) - (one->position < other->position);
}

static void sort_reads(struct seen_device *device)
{
    bool all_differ = true;
    for (size_t i = 0; i < device->count; i++) {
        all_differ = all_differ && device->steps[i].what == PROFILE_TRANSFERS &&
                     (i == 0 || device->steps[i].position != device->steps[i - 1].position);
    }
    if (all_differ) {
        qsort(device->steps, device->count, sizeof *device->steps, by_position);
    }
}

/* A Flush or silence behind the last transfer is the end's. */
static size_t steps_until_end(const struct seen_device *device)
{
    size_t count = device->count;
    while (count > 0 && device->steps[count - 1].what != PROFILE_TRANSFERS) {
        count--;
    }
    return count;
}

static bool same_step(const struct seen_step *a, const struct seen_step *b)
{
    return a->what == PROFILE_TRANSFERS && b->what == PROFILE_TRANSFERS && a->value == b->value;
}

static size_t count_runs(const struct seen_device *device, size_t from, size_t to)
{
    size_t runs = 0;
    for (size_t i = from; i < to; i++) {
        runs += i == from || !same_step(&device->steps[i - 1], &device->steps[i]);
    }
    return runs;
}

/* The operation a device's steps are made of. */
struct making {
    struct profile *profile;
    const struct seen_operation *operation;
    enum profile_kind kind;
    uint32_t device;
};

static void put_step(const struct making *making, enum profile_what what, uint32_t value)
{
    struct profile_step step = {(uint8_t)making->kind, (uint8_t)making->device, (uint8_t)what, value, 1};
    (void)profile_add(making->profile, &step); /* there is room: see put_steps */
}

static void put_exactly(const struct making *making, size_t from, size_t to)
{
    const struct seen_step *steps = making->operation->devices[making->device].steps;
    for (size_t i = from; i < to; i++) {
        put_step(making, steps[i].what, steps[i].value);
    }
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

/* Once the mix is full, a size counts as the nearest there is. */
static void mix_in(struct profile_operation *operation, uint32_t size)
{
    uint32_t nearest = 0;
    for (uint32_t i = 1; i < operation->mix_count; i++) {
        bool nearer = distance(operation->mix_size[i], size) < distance(operation->mix_size[nearest], size);
        nearest = nearer ? i : nearest;
    }
    bool there = operation->mix_count > 0 && operation->mix_size[nearest] == size;
    if (!there && operation->mix_count < PROFILE_MIX_MAX) {
        nearest = operation->mix_count++;
        operation->mix_size[nearest] = size;
    }
    operation->mix_weight[nearest] += operation->mix_weight[nearest] < INT32_MAX;
}

/* The middle of a long sequence: sizes by their mix; Flushes and silences as many as have room. */
static void put_mixed(const struct making *making, size_t from, size_t to, size_t room)
{
    const struct seen_step *steps = making->operation->devices[making->device].steps;
    for (size_t i = from; i < to; i++) {
        if (steps[i].what == PROFILE_TRANSFERS) {
            mix_in(&making->profile->operations[making->kind], steps[i].value);
            put_step(making, PROFILE_MIX, 0);
        } else if (room >= 3) { /* this one, and the mix behind it */
            put_step(making, steps[i].what, steps[i].value);
            room -= 2;
        }
    }
}

/* So many runs of the beginning as of the end stay exact. */
static size_t end_of_runs(const struct seen_device *device, size_t count, size_t runs)
{
    size_t at = 0;
    while (at < count && count_runs(device, 0, at + 1) <= runs) {
        at++;
    }
    return at;
}

static size_t begin_of_runs(const struct seen_device *device, size_t count, size_t runs)
{
    size_t at = count;
    while (at > 0 && count_runs(device, at - 1, count) <= runs) {
        at--;
    }
    return at;
}

static void put_steps(const struct making *making)
{
    const struct seen_device *device = &making->operation->devices[making->device];
    size_t count = steps_until_end(device);
    size_t room = STEPS_OF_KIND / making->operation->device_count;
    if (count_runs(device, 0, count) <= room) {
        put_exactly(making, 0, count);
        return;
    }
    size_t exact = room / 4 > 0 ? room / 4 : 1;
    size_t first = end_of_runs(device, count, exact);
    size_t last = begin_of_runs(device, count, exact);
    put_exactly(making, 0, first);
    put_mixed(making, first, last, room - 2 * exact);
    put_exactly(making, last, count);
}

/* ---- the rest of an operation ---- */

static void put_order(const struct seen_operation *seen, struct profile_operation *operation)
{
    uint64_t after = 0;
    for (uint32_t i = 0; i < seen->device_count; i++) {
        uint32_t next = PROFILE_DEVICES_MAX;
        for (uint32_t d = 0; d < seen->device_count; d++) {
            uint64_t first = seen->devices[d].first;
            if (first > after && (next == PROFILE_DEVICES_MAX || first < seen->devices[next].first)) {
                next = d;
            }
        }
        if (next == PROFILE_DEVICES_MAX) {
            operation->order_count = 0; /* a device that got nothing has no place */
            return;
        }
        operation->order[operation->order_count++] = (uint8_t)next;
        after = seen->devices[next].first;
    }
}

/* What no statement could ask for is no line of a plan. */
static void put_sizes(const struct seen_operation *seen, struct profile_operation *operation)
{
    bool block = seen->block_size >= PROFILE_BLOCK_LEAST && seen->block_size <= PROFILE_UNIT &&
                 (seen->block_size & (seen->block_size - 1)) == 0;
    bool transfer = seen->max_transfer >= PROFILE_UNIT && seen->max_transfer <= PROFILE_SIZE_MAX &&
                    seen->max_transfer % PROFILE_UNIT == 0;
    operation->block_size = block && transfer ? seen->block_size : 0;
    operation->max_transfer = block && transfer ? seen->max_transfer : 0;
}

static uint32_t count_buffers(const struct seen_operation *seen)
{
    uint32_t most = 0;
    for (size_t i = 0; i < seen->buffer_count; i++) {
        uint32_t own = 0; /* the same memory has another address in each process */
        for (size_t other = 0; other < seen->buffer_count; other++) {
            own += seen->owners[other] == seen->owners[i];
        }
        most = own > most ? own : most;
    }
    return most;
}

static void put_devices(const struct seen_operation *seen, struct profile_operation *operation)
{
    for (uint32_t i = 0; i < seen->device_count; i++) {
        const struct seen_device *device = &seen->devices[i];
        int32_t most = device->most < PROFILE_OUTSTANDING_MAX ? device->most : PROFILE_OUTSTANDING_MAX;
        int64_t close = device->close_ms < PROFILE_MS_MAX ? device->close_ms : PROFILE_MS_MAX;
        operation->outstanding[i] = (uint8_t)(most > 0 ? most : 1);
        operation->at_least[i] = !device->limit;
        operation->close_ms[i] = (uint32_t)close;
    }
    operation->outstanding_count = seen->device_count;
    operation->close_count = seen->closed == seen->device_count ? seen->device_count : 0;
}

/* Of the database whose extents fill the Writes between the first and the last of each device. */
static uint64_t find_size(const struct seen_operation *seen)
{
    uint64_t size = 0;
    for (uint32_t d = 0; d < seen->device_count; d++) {
        const struct seen_device *device = &seen->devices[d];
        uint64_t transfers = 0, bytes = 0;
        uint32_t first = 0, last = 0;
        for (size_t i = 0; i < device->count; i++) {
            if (device->steps[i].what == PROFILE_TRANSFERS) {
                last = device->steps[i].value;
                first = transfers == 0 ? last : first;
                bytes += last > EXTENT_HEADER ? last - EXTENT_HEADER : 0;
                transfers++;
            }
        }
        if (transfers > 2) {
            bytes -= first > EXTENT_HEADER ? first - EXTENT_HEADER : 0;
            size += bytes - (last > EXTENT_HEADER ? last - EXTENT_HEADER : 0);
        }
    }
    return size;
}

static void choose_settings(const struct seen_operation *seen, struct profile_made *made)
{
    if (seen->complete_asked && seen->writes > 0) {
        made->complete = seen->complete_enabled || seen->complete_sent ? PLAN_YES : PLAN_NO;
    }
    for (uint32_t i = 0; i < seen->device_count; i++) {
        const struct seen_device *device = &seen->devices[i];
        if (device->refused && (device->cleared || device->closed)) {
            made->clear_error = device->cleared ? PLAN_YES : PLAN_NO;
        }
    }
}

static void put_operation(struct profile_made *made, struct seen_operation *seen, enum profile_kind kind)
{
    struct profile_operation *operation = &made->profile.operations[kind];
    for (uint32_t i = 0; i < seen->device_count; i++) {
        if (kind == PROFILE_RESTORE) {
            sort_reads(&seen->devices[i]);
        }
        put_steps(&(struct making){&made->profile, seen, kind, i});
        operation->device_count = steps_until_end(&seen->devices[i]) > 0 ? i + 1 : operation->device_count;
        made->commands[kind] += seen->devices[i].commands;
    }
    put_devices(seen, operation);
    put_order(seen, operation);
    operation->buffers = count_buffers(seen);
    put_sizes(seen, operation);
    made->whole[kind] = seen->opened > 0 && seen->closed == seen->opened;
    snprintf(made->ends[kind], sizeof made->ends[kind], "%s", seen->devices[0].ends);
    if (kind == PROFILE_BACKUP) {
        /* Of one that was cut off: enough for the server to come as far as it did. */
        made->size = made->whole[kind] ? find_size(seen) : 2 * find_size(seen);
    }
}

/* ---- aborts ---- */

static void put_abort(const struct seen_operation *seen, struct profile_made *made)
{
    const struct profile_aborted *first = &seen->aborts[0];
    made->aborted = true;
    made->abort_count = seen->abort_count;
    memcpy(made->aborts, seen->aborts, sizeof made->aborts);
    if (first->nth == 0 || first->nth > INT32_MAX) {
        return;
    }
    made->abort = (struct fault){.kind = FAULT_ABORT,
                                 .site = {.nth = (int32_t)first->nth,
                                          .device = first->device >= 0 ? first->device : FAULT_DEVICE_ANY}};
    made->abort.arg[FAULT_ARG_AT] = first->in_hand != 0 ? FAULT_AT_COMPLETE : FAULT_AT_FETCH;
    if (first->in_hand != 0) {
        made->abort.site.command = (uint16_t)first->in_hand;
    } else {
        made->abort.site.function = first->function;
    }
    char text[FAULT_TEXT_MAX];
    struct fault_error error;
    fault_format(&made->abort, text, sizeof text);
    if (fault_parse(text, &made->abort, &error) != 0) {
        made->abort.kind = FAULT_KIND_COUNT; /* no fault happens there */
    }
}

/* ---- all of it ---- */

static enum profile_kind kind_of(const struct seen_operation *seen)
{
    return seen->reads > 0 && seen->writes == 0 ? PROFILE_RESTORE : PROFILE_BACKUP;
}

static struct seen_operation *choose(const struct profile_watch *watch, enum profile_kind kind,
                                     uint64_t *count)
{
    struct seen_operation *best = NULL;
    bool best_is_whole = false;
    for (size_t i = 0; i < watch->operation_count; i++) {
        struct seen_operation *seen = watch->operations[i];
        bool whole = seen->opened > 0 && seen->closed == seen->opened;
        if (seen->writes + seen->reads == 0 || kind_of(seen) != kind) {
            continue;
        }
        ++*count;
        if (best == NULL || (whole && !best_is_whole)) {
            best = seen;
            best_is_whole = whole;
        }
    }
    return best;
}

static bool conclude(struct profile_watch *watch, struct profile_made *made)
{
    bool found = false;
    made->abort.kind = FAULT_KIND_COUNT;
    for (enum profile_kind kind = PROFILE_BACKUP; kind < PROFILE_KINDS; kind++) {
        struct seen_operation *seen = choose(watch, kind, &made->operations[kind]);
        if (seen != NULL) {
            found = true;
            put_operation(made, seen, kind);
        }
    }
    for (size_t i = 0; i < watch->operation_count; i++) {
        const struct seen_operation *seen = watch->operations[i];
        choose_settings(seen, made);
        if (seen->abort_count > 0 && !seen->client_ended && !made->aborted) {
            put_abort(seen, made);
            found = true;
        }
    }
    made->profile.recorded = watch->recorded;
    made->profile.other = watch->other;
    return found;
}

int profile_make(const struct report_event *events, size_t count, struct profile_made **made)
{
    struct profile_watch watch = {0};
    int error = 0;
    *made = calloc(1, sizeof **made);
    for (size_t i = 0; i < count && !event_begins_again(&events[i].event); i++) {
        profile_watch_take(&watch, &events[i].event);
    }
    if (*made == NULL || watch.out_of_memory) {
        error = ENOMEM;
    } else if (!conclude(&watch, *made)) {
        error = ENOENT;
    }
    if (error != 0) {
        free(*made);
        *made = NULL;
    }
    profile_watch_free(&watch);
    return error;
}

/* ---- writing ---- */

int profile_dialect(const struct profile_made *made, char *text, size_t size)
{
    struct text_out out = {text, size, 0};
    if (size > 0) {
        text[0] = '\0';
    }
    for (uint32_t i = 0; i < DIALECT_CHOICES; i++) {
        if ((made->profile.recorded >> i & 1) != 0) {
            const struct dialect_info *info = &dialect_table[i];
            text_put(&out, "%s%s:%s", out.used > 0 ? "," : "", info->name,
                     (made->profile.other >> i & 1) != 0 ? info->other : info->usual);
        }
    }
    return (int)out.used;
}

static void write_summary(FILE *out, const struct profile_made *made)
{
    static const char *const names[PROFILE_KINDS] = {"backup", "restore"};
    for (enum profile_kind kind = PROFILE_BACKUP; kind < PROFILE_KINDS; kind++) {
        if (made->operations[kind] > 0) {
            fprintf(out, "# %s: of %" PRIu64 " recorded, one with %" PRIu64 " commands%s; at its end: %s\n",
                    names[kind], made->operations[kind], made->commands[kind],
                    made->whole[kind] ? "" : ", which did not come to VD_E_CLOSE on each device",
                    made->ends[kind][0] != '\0' ? made->ends[kind] : "nothing but VD_E_CLOSE");
        }
    }
}

static void write_abort(FILE *out, const struct profile_made *made)
{
    for (uint32_t i = 0; i < made->abort_count; i++) {
        const struct profile_aborted *call = &made->aborts[i];
        fprintf(out, "# aborted: %s", vdi_function_names[call->function]);
        if (call->device >= 0) {
            fprintf(out, " on device %d after %" PRIu64 " commands", call->device, call->commands);
        }
        const char *held = call->in_hand != 0 ? vdi_command_name(call->in_hand) : NULL;
        fprintf(out, "%s%s%s gave VD_E_ABORT, %" PRId64 " ms after the first\n",
                held != NULL ? ", with " : "", held != NULL ? held : "", held != NULL ? " in hand," : "",
                call->after_ms);
    }
    if (made->aborted && made->abort.kind == FAULT_ABORT) {
        char text[FAULT_TEXT_MAX];
        fault_format(&made->abort, text, sizeof text);
        fprintf(out, "fault %s\n", text);
    }
}

int profile_write(FILE *out, const struct profile_made *made, const char *from)
{
    static const char *const choices[] = {[PLAN_YES] = "yes", [PLAN_NO] = "no"};
    char dialect[256];
    char *text = malloc(TEXT_MAX);
    if (text == NULL) {
        return ENOMEM;
    }
    struct text_out lines = {text, TEXT_MAX, 0};
    text[0] = '\0';
    profile_format(&made->profile, &lines);
    fprintf(out, "# What the server of %s did: a plan for the simulated one (--plan, --profile).\n", from);
    write_summary(out, made);
    if (profile_dialect(made, dialect, sizeof dialect) > 0) {
        fprintf(out, "# its library's readings: VDI_DIALECT=%s\n", dialect);
    }
    if (made->size > 0) {
        fprintf(out, "server size %" PRIu64 "\n", made->size);
    }
    if (made->complete != PLAN_UNSET) {
        fprintf(out, "server complete %s\n", choices[made->complete]);
    }
    if (made->clear_error != PLAN_UNSET) {
        fprintf(out, "server clear-error %s\n", made->clear_error == PLAN_YES ? "always" : "never");
    }
    fputs(text, out);
    write_abort(out, made);
    free(text);
    return ferror(out) != 0 ? EIO : 0;
}
