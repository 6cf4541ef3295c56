/* fake_engine.c - see fake_engine.h. */
#include "fake_engine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"
#include "runstate.h"

struct fake fake;

struct engine {
    struct engine_options options;
    uint32_t steps;
    uint32_t waits;
    bool cancelled;
};

void fake_reset(void)
{
    memset(&fake, 0, sizeof(fake));
}

uint64_t event_record(const struct event *event, const char *text)
{
    assert(fake.event_count < FAKE_EVENTS_MAX && event->side == EVENT_SIDE_SERVER);
    struct fake_event *kept = &fake.events[fake.event_count++];
    kept->kind = event->kind;
    memcpy(kept->arg, event->arg, sizeof(kept->arg));
    snprintf(kept->text, sizeof(kept->text), "%s", text != NULL ? text : "");
    return fake.event_count;
}

int engine_new(const struct engine_request *request, const struct engine_options *options,
               struct engine **out)
{
    *out = NULL;
    if (fake.new_error != 0)
        return fake.new_error;
    assert(request->device_count >= 1 && request->device_count <= FAKE_DEVICES_MAX);
    fake.engines++;
    fake.request = *request;
    snprintf(fake.database, sizeof(fake.database), "%s", request->database);
    for (uint32_t i = 0; i < request->device_count; i++)
        snprintf(fake.devices[i], sizeof(fake.devices[i]), "%s", request->devices[i]);
    struct engine *engine = calloc(1, sizeof(*engine));
    assert(engine != NULL);
    engine->options = *options;
    *out = engine;
    return 0;
}

enum engine_status engine_step(struct engine *engine)
{
    engine->steps++;
    if (engine->steps < 3 || (engine->waits < fake.moves && !engine->cancelled) ||
        (fake.until_cancelled && !engine->cancelled))
        return ENGINE_RUNNING;
    if (fake.set != NULL && engine->options.describe != NULL)
        engine->options.describe(engine->options.report_context, fake.set);
    for (const struct sql_message *m = fake.messages; m->number != 0; m++)
        engine->options.report(engine->options.report_context, m);
    return ENGINE_SUCCEEDED;
}

/* Sleeps the time away when it waits for a cancel: what is to be noticed then is looked for between waits. */
void engine_wait(struct engine *engine, int64_t deadline)
{
    _Atomic uint32_t nobody = 0;
    engine->waits++;
    if (engine->waits <= fake.moves)
        os_wait(&nobody, 0, os_now() + 1000000);
    if (fake.interrupt != NULL)
        atomic_store(fake.interrupt, true);
    if (fake.until_cancelled)
        os_wait(&nobody, 0, deadline);
}

void engine_cancel(struct engine *engine)
{
    engine->cancelled = true;
    fake.cancels++;
}

enum engine_leaving engine_leaving(const struct engine *engine)
{
    (void)engine;
    return fake.leaving;
}

uint32_t engine_percent(const struct engine *engine)
{
    return engine->steps;
}

void engine_free(struct engine *engine)
{
    free(engine);
}
