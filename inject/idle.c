/* idle.c - see idle.h. */
#include "idle.h"

#include <errno.h>
#include <stddef.h>

#include "inject.h"
#include "runstate_internal.h"
#include "vdierror.h"
#include "virtual_time.h"

enum {
    MS = 1000000
};

/* Sleeps while *word == expected; INT64_MAX waits for ever, and then without a time at all. */
static void wait_on(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    int64_t left = deadline == INT64_MAX ? 0 : deadline - inject_now();
    if (left < 0) {
        return;
    }
    const struct timespec timeout = {.tv_sec = left / (1000 * MS), .tv_nsec = left % (1000 * MS)};
    int saved = errno;
    run_futex_wait(word, expected, deadline == INT64_MAX ? NULL : &timeout);
    errno = saved;
}

static int64_t run_now(void)
{
    return inject_now() + virtual_ahead();
}

int64_t idle_deadline(time_t timeout_ms)
{
    if (timeout_ms < 0 || timeout_ms > INT64_MAX / MS / 2) {
        return INT64_MAX;
    }
    return run_now() + (int64_t)timeout_ms * MS;
}

/* VD_E_TIMEOUT as long as nothing else has happened. */
static int idle_result(struct shadow_set *set)
{
    if (atomic_load(&set->state) != SHADOW_OPEN) {
        return VD_E_PROTOCOL;
    }
    return atomic_load(&set->aborted) ? VD_E_ABORT : VD_E_TIMEOUT;
}

int idle_wait(struct shadow_set *set, int64_t deadline)
{
    struct timed_wait wait;
    bool forever = deadline == INT64_MAX;
    bool told = virtual_wait_begin(&wait, RUN_WAIT_IDLE, forever ? RUN_WAIT_FOREVER : deadline - run_now());
    uint32_t changed = atomic_load(&set->changed);
    int result;
    while ((result = idle_result(set)) == VD_E_TIMEOUT && (forever || run_now() < deadline)) {
        int64_t slice = told ? vdifault_wait_slice(&wait) : deadline - run_now();
        wait_on(&set->changed, changed, forever ? INT64_MAX : inject_now() + slice);
        if (told) {
            vdifault_wait_pause(&wait);
        }
        changed = atomic_load(&set->changed);
    }
    if (told) {
        vdifault_wait_end(&wait);
    }
    return result;
}

int idle_wait_for_close(struct shadow_device *device, int64_t deadline)
{
    int64_t due = atomic_load(&device->close_due);
    int result = idle_wait(atomic_load(&device->set), due < deadline ? due : deadline);
    if (result == VD_E_TIMEOUT && due <= deadline) {
        shadow_device_closed(device);
        result = VD_E_CLOSE;
    }
    return result;
}

void idle_delay(int64_t ns)
{
    struct timed_wait wait;
    if (!virtual_wait_begin(&wait, RUN_WAIT_TIME, ns)) {
        idle_sleep(ns);
        return;
    }
    for (int64_t slice; (slice = vdifault_wait_slice(&wait)) > 0;) {
        idle_sleep(slice);
        vdifault_wait_pause(&wait);
    }
    vdifault_wait_end(&wait);
}

void idle_sleep(int64_t ns)
{
    _Atomic uint32_t nobody = 0;
    int64_t deadline = inject_now() + ns;
    while (inject_now() < deadline) { /* a signal ends a wait early */
        wait_on(&nobody, 0, deadline);
    }
}

void idle_wake(struct shadow_set *set)
{
    int saved = errno;
    atomic_fetch_add(&set->changed, 1);
    run_futex_wake(&set->changed);
    errno = saved;
}
