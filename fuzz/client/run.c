/* run.c - the run's state (scenario/runstate.h) and clock for one process, without a folder: events are kept in order
 * of their making, which is the order of the simulation, and judged when the session is over. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "event_time.h"
#include "os.h"
#include "runstate.h"
#include "runstate_internal.h"
#include "sim.h"
#include "world.h"

static struct run_state state;
_Atomic(struct run_state *) run_attached_state = &state;
_Atomic uint32_t *run_process_page; /* a process number is a question to the simulation */
_Thread_local uint32_t run_own_work;

static struct report_event events[WORLD_EVENTS_MAX];
static char texts[WORLD_TEXT_MAX];
static size_t event_count, text_length;
static bool records, full;
static uint64_t answered;

void run_reset(void)
{
    uint32_t operations = atomic_load(&state.operation_count);
    operations = operations < RUN_OPERATIONS_MAX ? operations : RUN_OPERATIONS_MAX;
    memset(&state, 0, offsetof(struct run_state, operations));
    /* A Create that failed gave its number back, with what it had written there. */
    memset(state.operations, 0,
           (operations < RUN_OPERATIONS_MAX ? operations + 1 : operations) * sizeof state.operations[0]);
    memset(state.faults, 0, sizeof state.faults);
    state.magic = RUN_STATE_MAGIC;
    state.version = RUN_STATE_VERSION;
    event_count = text_length = 0;
    answered = 0;
    records = true;
    full = false;
}

void run_record(bool on)
{
    records = on;
}

size_t run_event_count(void)
{
    return event_count;
}

const struct report_event *run_events(void)
{
    return events;
}

uint64_t run_answer_count(void)
{
    return answered;
}

bool run_is_full(void)
{
    return full;
}

/* --- runstate.h --- */

struct run_state *run_state_attach_first(void)
{
    return &state;
}

bool run_state_is_recorded(void)
{
    return true;
}

uint32_t run_process_asked(void)
{
    return os_process_self().pid;
}

const char *run_variable(const char *name)
{
    (void)name;
    return NULL; /* no folder, no plan's file: both are in memory */
}

void run_once(pthread_once_t *once, void (*function)(void))
{
    (void)pthread_once(once, function);
}

void run_futex_wait(_Atomic uint32_t *word, uint32_t expected, const struct timespec *timeout)
{
    int64_t deadline =
        timeout == NULL ? OS_FOREVER : os_now() + timeout->tv_sec * INT64_C(1000000000) + timeout->tv_nsec;
    (void)os_wait(word, expected, deadline);
}

void run_futex_wake(_Atomic uint32_t *word)
{
    os_wake(word);
}

static const char *keep_text(const char *text)
{
    size_t length = text != NULL ? strnlen(text, EVENT_TEXT_MAX - 1) : 0;
    if (length == 0 || text_length + length + 1 > sizeof texts) {
        return "";
    }
    char *kept = texts + text_length;
    memcpy(kept, text, length);
    kept[length] = '\0';
    text_length += length + 1;
    return kept;
}

/* The last two places are for the end that the session comes to when all others are taken. */
uint64_t event_record(const struct event *event, const char *text)
{
    world_check_thread();
    bool is_end = event->kind == EVENT_PROCESS_EXIT || event->kind == EVENT_HANG;
    uint64_t sequence = atomic_fetch_add(&state.sequence, 1) + 1;
    if (event->kind == EVENT_CALL_BEGIN && sim_self() != UINT32_MAX) {
        sim_call(vdi_function_names[event->function]);
    }
    answered += event->kind == EVENT_CALL_END && event->function == VDI_FN_COMPLETE_COMMAND &&
                event->result == 0 && answered < WORLD_ANSWERS_MAX;
    if (!records || event_count >= WORLD_EVENTS_MAX - (is_end ? 0 : 2)) {
        full = full || records;
        return sequence;
    }
    struct report_event *kept = &events[event_count++];
    kept->event = *event;
    kept->event.sequence = sequence;
    kept->event.time_ns = (uint64_t)sim_time();
    kept->event.version = EVENT_VERSION;
    kept->event.process = event->side == EVENT_SIDE_SUPERVISOR ? event->process : os_process_self().pid;
    kept->event.thread = sim_self() != UINT32_MAX ? sim_self() + 1 : 0;
    kept->text = keep_text(text);
    return sequence;
}

/* --- event_time.h --- */

void event_time_prepare(uint64_t measured)
{
    (void)measured;
}

uint64_t event_time_rate(void)
{
    return 0;
}

uint64_t event_time_ns(void)
{
    return (uint64_t)os_now();
}

/* --- files of the run's folder (waits.c): there is none --- */

void *run_new_file(const char *folder, const char *name, size_t size, int *error)
{
    (void)folder, (void)name, (void)size;
    *error = ENOENT;
    return NULL;
}

int run_open_file(const char *folder, const char *name, size_t size)
{
    (void)folder, (void)name, (void)size;
    return -1;
}

void *run_map_file(int file, size_t size)
{
    (void)file, (void)size;
    return NULL;
}
