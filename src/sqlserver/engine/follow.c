/* follow.c - see follow.h. */
#include "follow.h"

#include "engine_state.h"
#include "os.h"

enum {
    NS_PER_MS = 1000000,
    PURPOSE_MIX = 9,
};

_Static_assert((int)PROFILE_SIZE_MAX == (int)STREAM_TRANSFER_MAX, "a line says no more than a statement can");
_Static_assert((int)PROFILE_DEVICES_MAX == (int)SERVER_DEVICES_MAX,
               "a set has no more devices than a profile");

static enum profile_kind kind_of(const struct engine *engine)
{
    return engine->request.operation == ENGINE_BACKUP ? PROFILE_BACKUP : PROFILE_RESTORE;
}

const struct profile_operation *follow_operation(const struct engine *engine)
{
    const struct profile_operation *operation = &engine->options.plan->profile.operations[kind_of(engine)];
    bool known = operation->device_count > 0 || operation->outstanding_count > 0 || operation->buffers > 0 ||
                 operation->order_count > 0 || operation->close_count > 0 || operation->block_size > 0;
    return known && !engine->request.snapshot && !engine->request.headers ? operation : NULL;
}

uint32_t follow_buffers(const struct engine *engine)
{
    const struct profile_operation *operation = follow_operation(engine);
    return operation != NULL ? operation->buffers : 0;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* As recorded, where the recording shows the server's own limit. Where the client took fewer, what the buffers allow. */
static uint32_t depth_of(const struct engine *engine, const struct profile_operation *operation,
                         uint32_t device)
{
    uint32_t share = smaller(engine->buffer_count / engine->device_count, PROFILE_OUTSTANDING_MAX);
    uint32_t usual = operation->buffers > 0 ? share : engine->depth;
    if (operation->outstanding_count == 0) {
        return usual;
    }
    uint32_t n = device % operation->outstanding_count;
    uint32_t seen = smaller(operation->outstanding[n], engine->buffer_count);
    return operation->at_least[n] && usual > seen ? usual : seen;
}

void follow_begin(struct engine *engine)
{
    const struct profile_operation *operation = follow_operation(engine);
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        device->depth = operation != NULL ? depth_of(engine, operation, i) : engine->depth;
        device->follow.random = random_seed(engine->options.plan->seed, PURPOSE_MIX, i);
    }
}

struct engine_device *follow_turn(const struct engine *engine, uint32_t i)
{
    const struct profile_operation *operation = follow_operation(engine);
    bool known = operation != NULL && operation->order_count == engine->device_count;
    return &engine->devices[known ? operation->order[i] : i];
}

/* ---- between transfers ---- */

static const struct profile_step *next_step(struct engine_device *device)
{
    const struct engine *engine = device->engine;
    const struct profile *profile = &engine->options.plan->profile;
    if (follow_operation(engine) == NULL) {
        return NULL;
    }
    uint32_t recorded = profile_device(profile, kind_of(engine), device->index);
    return profile_next(profile, kind_of(engine), recorded, &device->follow.walk);
}

static void advance(struct engine_device *device)
{
    profile_advance(&device->engine->options.plan->profile, &device->follow.walk);
}

static bool is_over(struct engine_device *device, const struct profile_step *step)
{
    int64_t now = os_now();
    if (device->follow.due == 0) {
        device->follow.due = now + (int64_t)step->value * NS_PER_MS;
    }
    if (now < device->follow.due) {
        return false;
    }
    device->follow.due = 0;
    return true;
}

bool follow_may_send(struct engine_device *device)
{
    struct follow *follow = &device->follow;
    for (;;) {
        const struct profile_step *step = next_step(device);
        if (follow->flushing) {
            return false;
        }
        if (step == NULL || step->what == PROFILE_TRANSFERS || step->what == PROFILE_MIX) {
            return true;
        }
        if (device->outstanding > 0 || device->transfers > 0) {
            return false;
        }
        if (step->what == PROFILE_PAUSE && !is_over(device, step)) {
            return false;
        }
        advance(device);
        if (step->what == PROFILE_FLUSH) {
            follow->flushing = true;
            device_send_plain(device, VDC_Flush);
        }
    }
}

bool follow_flushed(struct engine_device *device)
{
    bool between = device->follow.flushing;
    device->follow.flushing = false;
    return between;
}

uint32_t follow_size(struct engine_device *device, uint32_t size)
{
    const struct engine *engine = device->engine;
    const struct profile_step *step = next_step(device);
    uint32_t recorded = 0;
    if (step != NULL && step->what == PROFILE_TRANSFERS) {
        recorded = step->value;
    } else if (step != NULL && step->what == PROFILE_MIX) {
        recorded = profile_draw(&engine->options.plan->profile, kind_of(engine),
                                random_next(&device->follow.random));
    }
    return recorded == 0 ? size : stripes_fit(recorded, engine->block_size, 1, engine->max_transfer);
}

void follow_sent(struct engine_device *device)
{
    if (next_step(device) != NULL) {
        advance(device);
    }
}

/* ---- the end ---- */

static int64_t close_time(const struct engine_device *device)
{
    const struct engine *engine = device->engine;
    const struct profile_operation *operation = follow_operation(engine);
    if (operation == NULL || operation->close_count == 0) {
        return 0;
    }
    return device->follow.answered +
           (int64_t)operation->close_ms[device->index % operation->close_count] * NS_PER_MS;
}

bool follow_may_close(struct engine *engine)
{
    bool all = true;
    for (uint32_t i = 0; i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        int64_t due = close_time(device);
        device->follow.due = due > os_now() ? due : 0;
        all = all && device->follow.due == 0;
    }
    for (uint32_t i = 0; !all && i < engine->device_count; i++) {
        struct engine_device *device = &engine->devices[i];
        if (device->follow.due == 0 && !device->fault.closed) {
            device->fault.closed = server_device_close(device->handle) == 0;
        }
    }
    return all;
}

int64_t follow_due(const struct engine *engine)
{
    int64_t first = INT64_MAX;
    for (uint32_t i = 0; !engine->failed && i < engine->device_count; i++) {
        int64_t due = engine->devices[i].follow.due;
        first = due != 0 && due < first ? due : first;
    }
    /* One that is over, and whose device cannot go on for another reason, is looked at again soon. */
    int64_t soon = os_now() + NS_PER_MS;
    return first > soon ? first : soon;
}
