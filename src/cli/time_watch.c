/* time_watch.c - see time_watch.h. */
#include "time_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cut.h"
#include "hang.h"
#include "os.h"
#include "session.h"

#define NS_PER_MS 1000000

enum {
    LOOK_MS = 2,         /* between two looks while somebody waits until a time that we know */
    LOOK_ASIDE_MS = 250, /* ... and while nobody does: only to say why time is real */
    OBSTACLE_MS = 500,   /* a wait that we do not know and that lasts so long is worth a note */
    COST_FACTOR = 3,     /* looking takes at most a quarter of a processor */
};

/* As the kernel says where a descriptor's file is: without links. */
static void name_scratch(struct session *session)
{
    char *path = realpath(session->dir.path, NULL);
    if (path != NULL && strlen(path) < sizeof session->state->scratch) {
        strcpy(session->state->scratch, path);
    }
    free(path);
}

void time_watch_init(struct time_watch *watch, struct session *session, const char *folder)
{
    *watch = (struct time_watch){0};
    if (session->setup.options->real_time || session->plan.fault_count == 0) {
        return;
    }
    watch->waits = run_waits_map(folder, true);
    if (watch->waits != NULL) {
        watch->cut = cut_watch(watch->waits, sizeof *watch->waits);
        name_scratch(session);
        atomic_store(&session->state->clock, RUN_CLOCK_ARMED);
    }
}

void time_watch_free(struct time_watch *watch)
{
    if (watch->waits != NULL) {
        cut_forget(watch->cut);
        munmap(watch->waits, sizeof *watch->waits);
        watch->waits = NULL;
    }
}

static bool moves(const struct session *session)
{
    return atomic_load(&session->state->clock) == RUN_CLOCK_VIRTUAL;
}

int time_watch_wait_ms(const struct session *session, int otherwise)
{
    return moves(session) && otherwise > LOOK_MS ? LOOK_MS : otherwise;
}

static void begin_with_first_fault(struct session *session)
{
    for (uint32_t i = 0; i < session->plan.fault_count; i++) {
        if (atomic_load(&session->state->faults[i].fired) != 0) {
            atomic_store(&session->state->clock, RUN_CLOCK_VIRTUAL);
        }
    }
}

static bool somebody_has_limit(const struct run_waits *waits)
{
    for (size_t i = 0; i < RUN_WAITS_MAX; i++) {
        const struct run_wait *wait = &waits->slots[i];
        if (atomic_load(&wait->owner) != 0 && atomic_load(&wait->active) != 0 &&
            atomic_load(&wait->deadline) != RUN_WAIT_FOREVER) {
            return true;
        }
    }
    return false;
}

static bool take(struct session *session, struct hang_sample *sample)
{
    bool taken = hang_sample_take(&session->watch.scope, &session->record, sample) == 0;
    free(sample->text);
    sample->text = NULL;
    return taken;
}

/* The library sees within a second that its server has died, and then acts. */
static bool library_may_act(const struct session *session, const struct hang_sample *sample)
{
    return sample->in_library && session->watch.death_ns != 0 &&
           os_now() - session->watch.death_ns < (int64_t)HANG_AFTER_DEATH_MS * NS_PER_MS;
}

/* Two looks at everybody. In each all are asleep, and between the two nobody has run: so there was a moment, after the
 * first look at the last of them and before the second at the first, when all slept at once. */
static bool nobody_acts(struct session *session, struct hang_sample *second)
{
    struct hang_sample first;
    uint64_t sequence = atomic_load(&session->state->sequence);
    second->waits = false;
    return take(session, &first) && first.waits && take(session, second) && second->waits &&
           first.activity == second->activity && first.deadline == second->deadline &&
           second->deadline != RUN_WAIT_FOREVER && !library_may_act(session, second) &&
           atomic_load(&session->state->sequence) == sequence;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void move_on(struct session *session, const struct hang_sample *sample)
{
    int64_t now = hang_now(&session->watch.scope);
    int64_t late = earlier(now + hang_lateness(&session->watch.scope, &session->record), sample->exact);
    int64_t until = late > sample->deadline ? late : sample->deadline;
    int64_t ahead = earlier(until, hang_patience_end(&session->watch, &session->record)) - now;
    if (ahead > 0) {
        atomic_fetch_add(&session->state->clock_ahead, ahead);
        session->record.waits++;
    }
}

/* Says once that time stays real, and for whom. */
static void look_for_obstacle(struct session *session)
{
    struct time_watch *watch = &session->time;
    struct hang_sample sample;
    int64_t now = os_now();
    char text[HANG_OBSTACLE_MAX + 64];
    if (watch->told || !take(session, &sample) || sample.obstacle[0] == '\0' || sample.runs) {
        watch->obstacle_ns = 0;
        return;
    }
    if (watch->obstacle_ns == 0) {
        watch->obstacle_ns = now;
    }
    if (now - watch->obstacle_ns >= (int64_t)OBSTACLE_MS * NS_PER_MS) {
        struct event event = {.kind = EVENT_NOTE, .arg = {NOTE_TIME}};
        snprintf(text, sizeof text, "time limits are waited for in full: %s", sample.obstacle);
        session_event(session, event, text);
        watch->told = true;
    }
}

void time_watch_step(struct session *session)
{
    struct time_watch *watch = &session->time;
    struct hang_sample sample;
    int64_t now = os_now();
    uint64_t sequence = atomic_load(&session->state->sequence);
    bool quiet = sequence == watch->sequence; /* what was collected is all there is */
    watch->sequence = sequence;
    if (!moves(session) && atomic_load(&session->state->clock) == RUN_CLOCK_ARMED) {
        begin_with_first_fault(session);
    }
    if (!moves(session) || !quiet || now < watch->next_ns) {
        return;
    }
    bool limited = somebody_has_limit(watch->waits);
    if (hang_somebody_runs(&session->watch.scope, &session->record)) {
        watch->obstacle_ns = 0;
        watch->next_ns = now + (int64_t)LOOK_MS * NS_PER_MS;
        return;
    }
    if (limited && nobody_acts(session, &sample)) {
        move_on(session, &sample);
        watch->obstacle_ns = 0;
        return;
    }
    look_for_obstacle(session);
    int64_t cost = (os_now() - now) * COST_FACTOR;
    int64_t pause = (int64_t)(limited ? LOOK_MS : LOOK_ASIDE_MS) * NS_PER_MS;
    watch->next_ns = os_now() + (cost > pause ? cost : pause);
}

void time_watch_end(struct session *session)
{
    atomic_store(&session->state->clock, RUN_CLOCK_REAL);
}
