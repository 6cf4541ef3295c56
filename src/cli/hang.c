/* hang.c - samples over time: certain hangs, patience, time limit. */
#include "hang.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os.h"

#define NS_PER_MS 1000000

enum {
    SLOW_PART = 8, /* who made progress in this part of --timeout, the last one, is slow but gets on */
    CPU_LOOK_MS = 1000,
    CPU_WORKING_PERCENT = 5,  /* of one processor: the client's processes compute */
    CPU_IDLE_CALLS_MAX = 100, /* more calls without progress in that time: they compute in VDI calls */
};

void hang_watch_init(struct hang_watch *watch, const struct hang_scope *scope, int64_t timeout_ms,
                     int64_t patience_ms)
{
    int64_t now = os_now();
    *watch = (struct hang_watch){.scope = *scope,
                                 .start_ns = now,
                                 .step_ns = now,
                                 .timeout_ms = timeout_ms,
                                 .patience_ms = patience_ms,
                                 .quiet_ns = now,
                                 .work_ns = hang_now(scope),
                                 .cpu_ns = now};
}

void hang_watch_free(struct hang_watch *watch)
{
    free(watch->sample.text);
    free(watch->text);
    watch->sample.text = NULL;
    watch->text = NULL;
}

static bool elapsed(int64_t now, int64_t since, int64_t milliseconds)
{
    return now - since >= milliseconds * NS_PER_MS;
}

static void replace_sample(struct hang_watch *watch, struct hang_sample sample, int64_t now)
{
    free(watch->sample.text);
    watch->sample = sample;
    watch->sample_ns = now;
}

/* Two equal samples of a standstill. */
static bool is_certain(struct hang_watch *watch, const struct record *record, int64_t now)
{
    struct hang_sample sample;
    if (!elapsed(now, watch->quiet_ns, HANG_SAMPLE_MS / 2) ||
        !elapsed(now, watch->sample_ns, HANG_SAMPLE_MS)) {
        return false;
    }
    bool after_quiet = watch->sample_ns >= watch->quiet_ns; /* the older one belongs to this standstill */
    if (hang_sample_take(&watch->scope, record, &sample) != 0) {
        sample.stuck = false;
    }
    bool same =
        after_quiet && watch->sample.stuck && sample.stuck && watch->sample.fingerprint == sample.fingerprint;
    replace_sample(watch, sample, now);
    return same && (watch->death_ns == 0 || elapsed(now, watch->death_ns, HANG_AFTER_DEATH_MS));
}

/* Notes work that no event shows: processor time spent outside calls that bring nothing. */
static void look_for_work(struct hang_watch *watch, const struct record *record, int64_t now)
{
    struct hang_sample sample;
    if (!elapsed(now, watch->cpu_ns, CPU_LOOK_MS)) {
        return;
    }
    if (hang_sample_take(&watch->scope, record, &sample) == 0) {
        int64_t ticks = (int64_t)(sample.cpu_ticks - watch->cpu_ticks);
        int64_t working =
            (now - watch->cpu_ns) / NS_PER_MS * sysconf(_SC_CLK_TCK) / 1000 * CPU_WORKING_PERCENT / 100;
        bool idle_calls = record->idle_calls - watch->cpu_idle_calls > CPU_IDLE_CALLS_MAX;
        if (ticks > working && !idle_calls) {
            watch->work_ns = hang_now(&watch->scope);
        }
        watch->cpu_ticks = sample.cpu_ticks;
        watch->cpu_idle_calls = record->idle_calls;
    }
    watch->cpu_ns = now;
    free(sample.text);
}

/* A verdict with a fresh picture of who waits for what. */
static int conclude(struct hang_watch *watch, const struct record *record, enum hang_reason reason,
                    const char *headline)
{
    struct hang_sample sample;
    (void)hang_sample_take(&watch->scope, record, &sample);
    free(watch->text);
    if (asprintf(&watch->text, "%s: %s", headline, sample.text != NULL ? sample.text : "nothing is known") <
        0) {
        watch->text = NULL;
    }
    free(sample.text);
    return (int)reason;
}

void hang_watch_pause(struct hang_watch *watch, struct record *record)
{
    int64_t now = os_now();
    watch->start_ns += now - watch->step_ns;
    watch->step_ns = now;
    watch->quiet_ns = now; /* no sample from before counts */
    watch->work_ns = hang_now(&watch->scope);
    record->progress_ns = watch->work_ns;
}

int64_t hang_patience_end(const struct hang_watch *watch, const struct record *record)
{
    int64_t sign = record_last_sign(record);
    return (sign > watch->work_ns ? sign : watch->work_ns) + watch->patience_ms * NS_PER_MS;
}

int hang_watch_step(struct hang_watch *watch, const struct record *record)
{
    int64_t now = os_now();
    char headline[128];
    watch->step_ns = now;
    if (record->taken != watch->taken) {
        watch->taken = record->taken;
        watch->quiet_ns = now;
    }
    if (elapsed(now, watch->start_ns, watch->timeout_ms)) {
        bool gets_on =
            !elapsed(hang_now(&watch->scope), record_last_sign(record), watch->timeout_ms / SLOW_PART);
        snprintf(headline, sizeof headline, "still running after %.3g s", (double)watch->timeout_ms / 1000);
        return conclude(watch, record, gets_on ? HANG_SLOW : HANG_TIMEOUT, headline);
    }
    if (watch->scope.observe) {
        return 0;
    }
    if (is_certain(watch, record, now)) {
        return conclude(watch, record, HANG_CERTAIN, "nobody can act");
    }
    look_for_work(watch, record, now);
    if (hang_now(&watch->scope) >= hang_patience_end(watch, record)) {
        uint64_t idle = record_longest_idle(record);
        int length =
            snprintf(headline, sizeof headline, "no progress for %.3g s", (double)watch->patience_ms / 1000);
        if (idle >= HANG_BUSY_CALLS) {
            snprintf(headline + length, sizeof headline - (size_t)length, ": in %" PRIu64 " calls in a row",
                     idle);
        }
        return conclude(watch, record, HANG_PATIENCE, headline);
    }
    return 0;
}
