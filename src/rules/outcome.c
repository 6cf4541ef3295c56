/* outcome.c - the rules that look at the run as a whole (VDI-OUT-002 to 005 and 008) and what a process's end
 * settles. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "state.h"
#include "vdierror.h"

enum {
    SPIN_CALLS_MIN = 20000,
    VERIFY_NOT_EXECUTABLE = 126, /* the shell's own exit statuses */
    VERIFY_NOT_FOUND = 127,
};
/* What counts is calls since the thread's last progress or wait, not time. Waits outside VDI show only as time that
 * passes: calls in a busy loop are less than this apart on average, when the shortest sleep takes the kernel over
 * 50. */
#define SPIN_GAP_NS 20000u

/* ---- VDI-OUT-005: busy loops ---- */

static void judge_spin(struct checker *checker, const struct thread_state *thread, uint64_t now)
{
    uint64_t count = thread->spin.count;
    uint64_t elapsed = now > thread->spin.start_ns ? now - thread->spin.start_ns : 0;
    char name[16];

    if (checker->busy_reported || count < SPIN_CALLS_MIN || elapsed / count >= SPIN_GAP_NS) {
        return;
    }
    checker->busy_reported = true;
    finding_add(
        checker, "VDI-OUT-005", &thread->spin.call, thread->spin.call.operation, thread->spin.call.device,
        "%llu calls in a row brought nothing and waited for nothing, %.1f microseconds apart on average;"
        " the last one: %s, which gave %s",
        (unsigned long long)count, (double)elapsed / (double)count / 1e3,
        vdi_function_names[thread->spin.call.function], result_text(thread->spin.result, name));
}

/* Judged late, when the thread's next event tells how long all the calls took: folded repetitions carry the
 * time of one of them only. */
void outcome_call_begin(struct checker *checker, struct thread_state *thread, uint64_t now)
{
    if (thread->spin.count >= SPIN_CALLS_MIN) {
        judge_spin(checker, thread, now);
    }
}

void outcome_call_end(struct thread_state *thread, const struct call *call, const struct event *event)
{
    bool cut_short = event->flags & EVENT_FLAG_FAULTED;    /* a fault may have taken its wait away */
    bool waited = (event->flags & EVENT_FLAG_SHORTENED) || /* it would have, had we not taken the time away */
                  (call->timeout != 0 && (event->result == VD_E_TIMEOUT || cut_short));

    if (event->result >= 0 || event->result == VD_E_CLOSE || waited) {
        thread->spin.count = 0;
        return;
    }
    if (thread->spin.count == 0) {
        thread->spin.start_ns = call->time_ns;
    }
    thread->spin.count += 1 + (uint64_t)event->repeat;
    thread->spin.call = *call;
    thread->spin.result = event->result;
}

static void judge_spins(struct checker *checker, uint32_t process, uint64_t now)
{
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (process == 0 || thread->process == process) {
            judge_spin(checker, thread, now);
        }
    }
}

/* ---- VDI-OUT-002 and 008: hangs ---- */

static const struct call *newest_open_call(const struct checker *checker)
{
    const struct call *newest = NULL;

    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->open.sequence && (!newest || thread->open.sequence > newest->sequence)) {
            newest = &thread->open;
        }
    }
    return newest;
}

/* A client that asks again and again is between two calls only by chance: it hangs where it asks. */
static const struct call *newest_polling_call(const struct checker *checker, uint64_t now)
{
    const struct call *newest = NULL;

    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        bool asks = thread->last_result == VD_E_TIMEOUT && now < thread->last_end_ns + PATIENCE_NS;

        if (asks && (!newest || thread->last.sequence > newest->sequence)) {
            newest = &thread->last;
        }
    }
    return newest;
}

static int32_t newest_live_operation(const struct checker *checker)
{
    int32_t operation = -1;

    for (const struct vdi_set *set = checker->sets; set; set = set->next) {
        if (set_is_live(set) && set->operation > operation) {
            operation = set->operation;
        }
    }
    return operation;
}

/* `text` says who waits for what, by numbers that are others in each run: what comes before that is the message's. */
static void report_hang(struct checker *checker, const struct event *event, const char *text)
{
    static const char *const reasons[] = {
        [HANG_CERTAIN] = "nobody can act any more",
        [HANG_PATIENCE] = "it waits for something that cannot come",
        [HANG_TIMEOUT] = "it outlived the time limit",
    };
    const struct call *open = newest_open_call(checker);
    int64_t reason =
        event->arg[0] >= HANG_CERTAIN && event->arg[0] <= HANG_TIMEOUT ? event->arg[0] : HANG_PATIENCE;
    int told = reason == HANG_CERTAIN ? 0 : (int)strcspn(text, ":");
    const char *begin = told > 0 ? " (" : "", *end = told > 0 ? ")" : "";
    const struct call *polling = open ? NULL : newest_polling_call(checker, event->time_ns);

    if (polling) {
        finding_add(checker, "VDI-OUT-002", polling, polling->operation, polling->device,
                    "the client hangs, %s%s%.*s%s; it asks %s (device %d) again and again", reasons[reason],
                    begin, told, text, end, vdi_function_names[polling->function], polling->device);
        return;
    }
    if (!open) {
        finding_add(checker, "VDI-OUT-002", NULL, newest_live_operation(checker), -1,
                    "the client hangs, %s%s%.*s%s; no thread is inside a VDI call", reasons[reason], begin,
                    told, text, end);
        return;
    }
    finding_add(checker, "VDI-OUT-002", open, open->operation, open->device,
                "the client hangs, %s%s%.*s%s; it is inside %s (device %d)", reasons[reason], begin, told,
                text, end, vdi_function_names[open->function], open->device);
}

/* Whether a thread of the client attends to the device (any, if -1): inside a VDI call on it, or just between
 * two. */
static bool device_is_attended(const struct checker *checker, const struct vdi_set *set, int16_t device,
                               uint64_t now)
{
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        const struct call *call = thread->open.sequence ? &thread->open : &thread->last;
        bool recent = thread->open.sequence || now < thread->last_end_ns + PATIENCE_NS;

        if (call->set == set->id && recent && (device < 0 || call->device == device || call->device < 0)) {
            return true;
        }
    }
    return false;
}

static void judge_set_at_hang(struct checker *checker, struct vdi_set *set, const struct event *event)
{
    const struct operation_state *operation = state_find_operation(checker, set->operation);
    bool certain = event->arg[0] == HANG_CERTAIN;

    if (!set_is_live(set) || set_is_aborted(set)) {
        return;
    }
    commands_judge_abandoned(checker, set, certain ? ABANDONED_ALL : ABANDONED_OLD, event->time_ns,
                             "when the client hung");
    opening_judge(checker, set, OPENING_HUNG, event->time_ns);
    endings_judge_hang(checker, set);
    waiting_judge_hang(checker, set, event);
    if (operation && operation->statement && operation->waiting &&
        !device_is_attended(checker, set, operation->wait_device, event->time_ns)) {
        finding_add(
            checker, "VDI-OUT-008", NULL, set->operation, operation->wait_device,
            "the statement waits for the client on device %d, and no thread of the client attends to it",
            operation->wait_device);
        endings_judge_idle(checker, set, operation->wait_device);
    }
}

void outcome_hang(struct checker *checker, const struct event *event, const char *text)
{
    if (event->arg[0] == HANG_SLOW) { /* nobody is to blame for what it left behind when we ended it */
        checker->judgement.client_timed_out = true;
        return;
    }
    judge_spins(checker, 0, event->time_ns);
    report_hang(checker, event, text);
    checker->judgement.client_timed_out = true;
    checker->hung_for_sure = event->arg[0] != HANG_TIMEOUT;
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        judge_set_at_hang(checker, set, event);
    }
    bringup_hang(checker);
}

/* ---- what the end of a process settles: VDI-OUT-003, 004, 008 ---- */

void outcome_sanitizer(struct checker *checker, const struct event *event, const char *text)
{
    const struct process_state *process = state_process(checker, event->process);
    struct call at = {.process = event->process, .device = -1, .operation = -1};

    if (process && process->role == PROCESS_VERIFY) {
        return;
    }
    finding_add(checker, "VDI-OUT-003", &at, -1, -1, "a sanitizer reported in the client: %s", text);
}

/* The statement's end as the client's end shows it: the server noticed that the process was gone before we
 * did. A fault that ends a set by itself is told apart by what it leaves in the set. */
static bool server_ended_because_client_did(const struct vdi_set *set)
{
    return set->server_ended && set->server_ended_sequence > set->last_sequence;
}

bool outcome_all_closes_came(const struct vdi_set *set)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        const struct device *device = &set->devices[i];

        if (device->opened && !device->close_delivered && !device->lost_close) {
            return false;
        }
    }
    return set->opened_count > 0;
}

/* Whether threads of the process still use the set: it must not be closed under them (spec 8, VDI-CLOSE-002),
 * so that ending the process is the only way out. */
static bool is_in_use(const struct checker *checker, const struct vdi_set *set)
{
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->open.sequence && thread->open.set == set->id) {
            return true;
        }
    }
    for (int i = 0; i < DEVICES_MAX; i++) {
        if (set->devices[i].commands) {
            return true;
        }
    }
    return false;
}

static void judge_set_at_exit(struct checker *checker, struct vdi_set *set,
                              const struct process_state *process, uint64_t now)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);
    bool late_end = server_ended_because_client_did(set);
    bool aborted = set->abort_returned || set->client_aborted || set->fault_aborted || set->closed_by_fault ||
                   (set->server_ended && !late_end);
    bool attached = operation && operation->statement && operation->statement->operation >= 0;

    if (!aborted) {
        commands_judge_abandoned(checker, set, ABANDONED_ALL, now, "when the process ended");
        opening_judge(checker, set, OPENING_EXITED, now);
        if (process->status == 0) {
            waiting_judge_end(checker, set, WAITING_EXITED);
        }
    }
    answers_judge_held(checker, set);
    if (!aborted && attached && (!operation->statement->ended || late_end) && !outcome_all_closes_came(set)) {
        finding_add(checker, "VDI-OUT-008", NULL, set->operation, -1,
                    "the process ended while the statement was waiting for it, without SignalAbort or Close");
    }
    endings_judge_exit(checker, set, aborted, is_in_use(checker, set));
    if (!set->secondary) {
        finding_add_capped(checker, aborted && is_in_use(checker, set) ? SEVERITY_INFO : SEVERITY_ERROR,
                           "VDI-OUT-004", NULL, set->operation, -1,
                           "the process ended with the set of operation %d neither closed nor destroyed",
                           set->operation);
    }
}

static void report_death(struct checker *checker, const struct process_state *process)
{
    struct call at = {.process = process->process, .device = -1, .operation = -1};
    const struct call *last = NULL;

    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->process == process->process && thread->last.sequence &&
            (!last || thread->last.sequence > last->sequence)) {
            last = &thread->last;
        }
    }
    if (last) {
        finding_add(checker, "VDI-OUT-003", &at, last->operation, -1,
                    "the client died of signal %d (%s); its last VDI call was %s (device %d)",
                    process->signal, strsignal(process->signal), vdi_function_names[last->function],
                    last->device);
    } else {
        finding_add(checker, "VDI-OUT-003", &at, -1, -1,
                    "the client died of signal %d (%s) before any VDI call", process->signal,
                    strsignal(process->signal));
    }
}

/* A daemon that has no handler for the signal which stops it ends as it should. */
static bool was_asked_to_end(const struct checker *checker, const struct event *event)
{
    return checker->stop_signal != 0 && event->arg[1] == checker->stop_signal &&
           event->arg[2] == PROCESS_CLIENT;
}

static void note_exit(struct checker *checker, struct process_state *process, const struct event *event)
{
    process->ended = true;
    process->status = (int32_t)event->arg[0];
    process->signal = (int32_t)event->arg[1];
    process->role = (enum process_role)event->arg[2];
    process->killed_by_us = event->arg[3] != 0;
    process->by_itself = event->arg[3] == 0 &&
                         ((event->arg[1] == 0 && event->arg[0] >= 0) || was_asked_to_end(checker, event));
    checker->any_exit = true;
    process->told_client = process->role == PROCESS_SQL && event->arg[4] ? event->sequence : 0;
    if (process->role == PROCESS_CLIENT && !checker->judgement.client_ran) {
        checker->judgement.client_ran = true;
        checker->judgement.client_exit = process->signal ? -1 : process->status;
        checker->judgement.client_signal = process->signal;
        checker->client_exit_sequence = event->sequence;
        checker->client_by_itself = process->by_itself;
        checker->judgement.client_stopped = was_asked_to_end(checker, event);
    }
    if (process->role == PROCESS_VERIFY) {
        checker->verify_ended =
            process->signal == 0 && event->arg[3] == 0 && process->status != VERIFY_NOT_EXECUTABLE &&
            process->status != VERIFY_NOT_FOUND; /* else it says nothing about the stream */
        checker->verify_succeeded = process->by_itself && process->status == 0;
    }
}

/* Nobody knows who sent a worker its signal, and a parent may end its workers: only those that a process brings upon
 * itself are its own mistake. Of the client the supervisor knows. */
static bool died_by_itself(const struct event *event)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (event->arg[1] == own[i]) {
            return true;
        }
    }
    return event->arg[1] != 0 && event->side != EVENT_SIDE_CLIENT && event->arg[2] == PROCESS_CLIENT;
}

static bool is_clients_own(const struct process_state *process)
{
    return process->role == PROCESS_CLIENT || (process->role == PROCESS_DESCENDANT && process->called);
}

void outcome_process_exit(struct checker *checker, const struct event *event)
{
    struct process_state *process = state_process(checker, event->process);

    if (!process || process->ended) {
        return;
    }
    note_exit(checker, process, event);
    judge_spins(checker, event->process, event->time_ns);
    if (is_clients_own(process) && died_by_itself(event) && !event->arg[3] && !process->killed_by_fault &&
        !was_asked_to_end(checker, event)) {
        report_death(checker, process);
        waiting_judge_death(checker, event->process);
    }
    bringup_process_exit(checker, event, process);
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        if (set_is_live(set) && set->process == event->process) {
            if (process->by_itself) {
                judge_set_at_exit(checker, set, process, event->time_ns);
            }
            set->state = SET_NONE; /* nothing more to judge */
        }
    }
    for (struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        if (thread->process == event->process) {
            thread->open.sequence = 0;
        }
    }
}
