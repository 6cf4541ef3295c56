/* failures.c - see failures.h. */
#include "failures.h"

#include <errno.h>

#include "inject.h"
#include "vdi.h"
#include "witness.h"

enum {
    HANDS = 256,
    HOLDERS = 256,
};

/* A command in the client's hands. */
struct hand {
    _Atomic uint64_t fetch;       /* 0: free */
    _Atomic uint64_t faults;      /* armed, a bit each */
    _Atomic uint64_t hurt;        /* of those, the ones that have fired */
    _Atomic uint64_t carried;     /* bytes of it that were written, or read for it */
    _Atomic uint64_t longest;     /* ... written by one call */
    _Atomic(const void *) thread; /* that fetched it; NULL: not filled yet */
    int32_t operation;
    int32_t device;
    int32_t code;
};
static struct hand hands[HANDS];
static _Atomic uint32_t hands_used; /* none beyond has ever been taken */

/* A file that holds bytes of a device. Never given back. */
struct holder {
    _Atomic uint64_t file;  /* 0: free */
    _Atomic int64_t device; /* of DEVICE_KEY */
};
static struct holder holders[HOLDERS];
#define DEVICE_KEY(operation, device) (((int64_t)(operation) << 32 | (uint32_t)(device)) + 1)

/* By fault: devices whose command was completed with it still to come, a bit each: bytes wait in stdio, or the file is
 * yet to be closed. */
static _Atomic uint64_t waiting[PLAN_FAULTS_MAX];

void failures_handed_out(const struct call *call, int32_t command)
{
    for (uint32_t i = 0; i < HANDS && call->device_index >= 0; i++) {
        uint64_t none = 0;
        if (atomic_load_explicit(&hands[i].fetch, memory_order_relaxed) != 0 ||
            !atomic_compare_exchange_strong(&hands[i].fetch, &none, call->sequence)) {
            continue;
        }
        hands[i].operation = call->operation;
        hands[i].device = call->device_index;
        atomic_store(&hands[i].faults, 0);
        atomic_store(&hands[i].hurt, 0);
        atomic_store(&hands[i].carried, 0);
        atomic_store(&hands[i].longest, 0);
        hands[i].code = command;
        atomic_store(&hands[i].thread, (const void *)&inject_thread);
        uint32_t used = atomic_load(&hands_used);
        while (used <= i && !atomic_compare_exchange_weak(&hands_used, &used, i + 1)) {
        }
        return;
    }
}

static struct hand *find_fetch(uint64_t fetch)
{
    for (uint32_t i = 0; i < atomic_load(&hands_used); i++) {
        if (atomic_load(&hands[i].fetch) == fetch && atomic_load(&hands[i].thread) != NULL) {
            return &hands[i];
        }
    }
    return NULL;
}

/* The newest that this thread fetched. */
static struct hand *find_own(void)
{
    struct hand *newest = NULL;
    for (uint32_t i = 0; i < atomic_load(&hands_used); i++) {
        uint64_t fetch = atomic_load(&hands[i].fetch);
        if (fetch != 0 && atomic_load(&hands[i].thread) == (const void *)&inject_thread &&
            (newest == NULL || fetch > atomic_load(&newest->fetch))) {
            newest = &hands[i];
        }
    }
    return newest;
}

void failures_reached(enum event_reach reach, uint64_t call, int32_t operation, int32_t device,
                      uint64_t how_far)
{
    struct event event = {.kind = EVENT_REACH,
                          .side = EVENT_SIDE_CLIENT,
                          .operation = operation,
                          .device = (int16_t)device,
                          .call = call,
                          .arg = {reach, (int64_t)how_far}};
    event_record(&event, NULL);
}

static void tell_reached(const struct hand *hand, enum event_reach reach, uint64_t how_far)
{
    if (inject_plan()->probes && how_far > 0) {
        failures_reached(reach, atomic_load(&hand->fetch), hand->operation, hand->device, how_far);
    }
}

void failures_take_back(uint64_t fetch)
{
    struct hand *hand = find_fetch(fetch);
    if (hand != NULL) {
        tell_reached(hand, hand->code == VDC_Read ? REACH_READ : REACH_WRITE, atomic_load(&hand->carried));
        tell_reached(hand, REACH_SHORT_WRITE, atomic_load(&hand->longest));
        atomic_store(&hand->faults, 0);
        atomic_store(&hand->thread, NULL);
        atomic_store(&hand->fetch, 0);
    }
}

/* ---- arming ---- */

void deed_arm_file(struct call *call, uint32_t fault, struct delivery *delivery)
{
    (void)delivery;
    struct hand *hand = find_fetch(call->sequence);
    run_fault_take_back(fault); /* it has not happened yet, and will not if no such call comes */
    if (hand != NULL) {
        atomic_fetch_or(&hand->faults, UINT64_C(1) << fault);
    }
}

void deed_arm_close(struct call *call, uint32_t fault, struct delivery *delivery)
{
    (void)delivery;
    run_fault_take_back(fault);
    if (call->device_index >= 0) {
        atomic_fetch_or(&waiting[fault], UINT64_C(1) << call->device_index);
    }
}

/* ---- what a call suffers ---- */

/* Which faults a call of each sort can be hit by. */
static const uint64_t kinds_of[FILE_CALL_COUNT] = {
    [FILE_CALL_WRITE] = UINT64_C(1) << FAULT_WRITE_ERROR | UINT64_C(1) << FAULT_SHORT_WRITE,
    [FILE_CALL_STREAM] = UINT64_C(1) << FAULT_WRITE_ERROR,
    [FILE_CALL_LET_GO] = UINT64_C(1) << FAULT_WRITE_ERROR,
    [FILE_CALL_READ] = UINT64_C(1) << FAULT_READ_ERROR,
    [FILE_CALL_SYNC] = UINT64_C(1) << FAULT_SYNC_ERROR,
    [FILE_CALL_CLOSE] = UINT64_C(1) << FAULT_CLOSE_ERROR,
};
_Static_assert(FAULT_KIND_COUNT <= 64, "a bit per kind");

static bool can_hit(enum file_call what, uint32_t fault)
{
    return (kinds_of[what] >> deed_fault(fault)->kind & 1) != 0;
}

static bool fires(uint32_t fault, uint64_t fetch, int32_t operation, int32_t device)
{
    if (!run_fault_fire(fault, deed_fault(fault))) {
        return false; /* another device was faster */
    }
    struct call call = call_on_set(VDI_FN_NONE, NULL, NULL);
    call.sequence = fetch;
    call.operation = operation;
    call.device_index = device;
    call_fault(&call, fault);
    return true;
}

/* The first effect on a command is what counts as the firing; a fault that goes on stays armed. */
static bool hurts(struct hand *hand, uint32_t fault, bool goes_on)
{
    uint64_t bit = UINT64_C(1) << fault;
    uint64_t armed = goes_on ? atomic_load(&hand->faults) : atomic_fetch_and(&hand->faults, ~bit);
    if ((armed & bit) == 0) {
        return false; /* another thread was faster */
    }
    if ((atomic_fetch_or(&hand->hurt, bit) & bit) != 0 ||
        fires(fault, atomic_load(&hand->fetch), hand->operation, hand->device)) {
        return true;
    }
    atomic_fetch_and(&hand->faults, ~bit);
    return false;
}

/* The others let go what is left of earlier ones. */
static bool has_data(const struct hand *hand)
{
    return hand->code == VDC_Write || hand->code == VDC_Read;
}

/* Of what the command's bytes go through, or come from. */
static bool suffers_transfer(struct hand *hand, enum file_call what, uint32_t fault, uint64_t size,
                             struct file_failure *failure)
{
    const struct fault *planned = deed_fault(fault);
    uint64_t all = (uint64_t)planned->arg[FAULT_ARG_BYTES];
    if (planned->kind == FAULT_SHORT_WRITE) {
        *failure = (struct file_failure){.error = 0, .limit = all};
        return all < size && hurts(hand, fault, false);
    }
    bool stays_full = planned->site.and_later && atomic_load(&deed_counts(fault)->fired) > 0 &&
                      (atomic_load(&hand->hurt) >> fault & 1) == 0;
    all = stays_full ? 0 : all;
    uint64_t carried = atomic_load(&hand->carried);
    uint64_t left = carried < all ? all - carried : 0;
    left = what == FILE_CALL_LET_GO && left < size ? 0 : left; /* stdio lets go all or nothing */
    *failure = (struct file_failure){.error = fault_errno(planned), .limit = left};
    return left < size && hurts(hand, fault, left > 0 || planned->site.and_later);
}

static bool suffers(struct hand *hand, enum file_call what, uint64_t size, struct file_failure *failure)
{
    uint64_t armed = atomic_load(&hand->faults);
    for (uint32_t i = 0; i < PLAN_FAULTS_MAX && armed >> i != 0; i++) {
        if ((armed >> i & 1) == 0 || !can_hit(what, i)) {
            continue;
        }
        if (what != FILE_CALL_SYNC) {
            if (suffers_transfer(hand, what, i, size, failure)) {
                return true;
            }
        } else if (hurts(hand, i, deed_fault(i)->site.and_later)) {
            *failure = (struct file_failure){.error = fault_errno(deed_fault(i)), .limit = 0};
            return true;
        }
    }
    return false;
}

/* ---- files that hold bytes ---- */

static void note_holder(uint64_t file, const struct hand *hand)
{
    int64_t key = DEVICE_KEY(hand->operation, hand->device);
    for (uint32_t i = 0; i < HOLDERS && file != 0; i++) {
        uint64_t known = 0;
        if (atomic_compare_exchange_strong(&holders[i].file, &known, file)) {
            atomic_store(&holders[i].device, key);
            return;
        }
        if (known == file && atomic_load(&holders[i].device) == key) {
            return;
        }
    }
}

#define ANY_FILE UINT64_MAX

static bool holds(uint64_t file, int32_t operation, int32_t device)
{
    for (uint32_t i = 0; i < HOLDERS; i++) {
        uint64_t known = atomic_load(&holders[i].file);
        if (known == 0) {
            break;
        }
        if ((known == file || file == ANY_FILE) &&
            atomic_load(&holders[i].device) == DEVICE_KEY(operation, device)) {
            return true;
        }
    }
    return false;
}

/* What waits for the file of a device. */
static bool suffers_late(enum file_call what, uint64_t file, struct file_failure *failure)
{
    for (uint32_t i = 0; i < inject_plan()->plan.fault_count; i++) {
        uint64_t devices = can_hit(what, i) ? atomic_load(&waiting[i]) : 0;
        for (int32_t device = 0; device < RUN_DEVICES_MAX && devices >> device != 0; device++) {
            const struct fault *fault = deed_fault(i);
            int32_t operation = run_site_operation(run_state_attach(), &fault->site);
            uint64_t bit = UINT64_C(1) << device;
            if ((devices & bit) == 0 || !holds(file, operation, device) ||
                (atomic_fetch_and(&waiting[i], ~bit) & bit) == 0 || !fires(i, 0, operation, device)) {
                continue;
            }
            if (fault->site.and_later) {
                atomic_fetch_or(&waiting[i], bit);
            }
            *failure = (struct file_failure){.error = fault_errno(fault), .limit = 0};
            return true;
        }
    }
    return false;
}

/* What is written while the thread has a command without data is of that one's device, unless it goes elsewhere than
 * the device's bytes so far: a log. */
static bool is_of(const struct hand *hand, uint64_t file)
{
    return has_data(hand) || holds(file, hand->operation, hand->device) ||
           !holds(ANY_FILE, hand->operation, hand->device);
}

/* A command of a device that this file holds bytes of; of writes whose command is not known, one without data. */
static struct hand *find_holders_hand(enum file_call what, uint64_t file)
{
    bool writes = what != FILE_CALL_SYNC;
    for (uint32_t i = 0; i < atomic_load(&hands_used); i++) {
        uint64_t armed = atomic_load(&hands[i].faults);
        bool wanted = armed != 0 || (writes && inject_plan()->probes);
        if (!wanted || atomic_load(&hands[i].thread) == NULL || (writes && has_data(&hands[i])) ||
            !holds(file, hands[i].operation, hands[i].device)) {
            continue;
        }
        if (writes && inject_plan()->probes) {
            return &hands[i]; /* its bytes are counted */
        }
        for (uint32_t f = 0; f < PLAN_FAULTS_MAX && armed >> f != 0; f++) {
            if ((armed >> f & 1) != 0 && can_hit(what, f)) {
                return &hands[i];
            }
        }
    }
    return NULL;
}

/* Bytes of the command stay in the process: the fault is the next call's that lets them go. */
static void wait_in_stream(struct hand *hand, uint64_t size)
{
    uint64_t carried = atomic_fetch_add(&hand->carried, size) + size;
    uint64_t armed = atomic_load(&hand->faults);
    for (uint32_t i = 0; i < PLAN_FAULTS_MAX && armed >> i != 0; i++) {
        if ((armed >> i & 1) != 0 && can_hit(FILE_CALL_LET_GO, i) &&
            carried > (uint64_t)deed_fault(i)->arg[FAULT_ARG_BYTES]) {
            atomic_fetch_and(&hand->faults, ~(UINT64_C(1) << i));
            atomic_fetch_or(&waiting[i], UINT64_C(1) << hand->device);
        }
    }
}

/* Where a sync or a close could be made to fail. */
static void probe(enum file_call what, const struct hand *own, uint64_t file)
{
    if (what == FILE_CALL_SYNC && own != NULL) {
        tell_reached(own, REACH_SYNC, 1);
        return;
    }
    for (uint32_t i = 0; i < atomic_load(&hands_used) && what == FILE_CALL_SYNC; i++) {
        if (atomic_load(&hands[i].thread) != NULL && holds(file, hands[i].operation, hands[i].device)) {
            tell_reached(&hands[i], REACH_SYNC, 1);
        }
    }
    for (uint32_t i = 0; i < HOLDERS && what == FILE_CALL_CLOSE; i++) {
        int64_t key = atomic_load(&holders[i].file) == file ? atomic_load(&holders[i].device) : 0;
        if (key != 0 && file != 0) {
            failures_reached(REACH_CLOSE, 0, (int32_t)((key - 1) >> 32), (int32_t)(key - 1), 1);
        }
    }
}

INJECT_EXPORT bool vdifault_files_fail(void)
{
    return inject_plan()->fails_files;
}

static bool carries_bytes(enum file_call what)
{
    return what == FILE_CALL_WRITE || what == FILE_CALL_STREAM || what == FILE_CALL_KEEP;
}

/* Whose bytes, or whose sync; NULL: nobody's that is known. */
static struct hand *find_hand(enum file_call what, uint64_t fetch, uint64_t file)
{
    struct hand *hand = fetch != 0 ? find_fetch(fetch) : find_own();
    bool writes = carries_bytes(what) || what == FILE_CALL_LET_GO;
    if (hand != NULL && writes && !is_of(hand, file)) {
        return NULL;
    }
    return hand == NULL && (writes || what == FILE_CALL_SYNC) ? find_holders_hand(what, file) : hand;
}

/* The call goes on, or gets so far. What a stream keeps is its command's, or, of one without data, of whichever lets it
 * go. */
static void count(struct hand *hand, enum file_call what, uint64_t size)
{
    bool written =
        what == FILE_CALL_WRITE || what == FILE_CALL_STREAM || (what == FILE_CALL_LET_GO && !has_data(hand));
    if (!written && (what != FILE_CALL_READ || hand->code != VDC_Read)) {
        return;
    }
    atomic_fetch_add(&hand->carried, size);
    if (what == FILE_CALL_WRITE && size > atomic_load(&hand->longest)) {
        atomic_store(&hand->longest, size);
    }
}

/* It may fail for the command itself, not only for one that has been completed. */
static bool is_at_hand(enum file_call what, const struct hand *hand)
{
    return hand != NULL && what != FILE_CALL_CLOSE && (what != FILE_CALL_LET_GO || !has_data(hand));
}

INJECT_EXPORT bool vdifault_file_fails(enum file_call what, uint64_t fetch, uint64_t file, uint64_t size,
                                       struct file_failure *failure)
{
    bool carries = carries_bytes(what);
    if (inject_plan()->probes) {
        probe(what, fetch != 0 ? find_fetch(fetch) : find_own(), file);
    }
    struct hand *hand = find_hand(what, fetch, file);
    if (hand != NULL && carries) {
        note_holder(file, hand);
    }
    if (hand != NULL && what == FILE_CALL_KEEP) {
        if (has_data(hand)) {
            wait_in_stream(hand, size);
        }
        return false;
    }
    bool fails = (is_at_hand(what, hand) && suffers(hand, what, size, failure)) ||
                 (!carries && what != FILE_CALL_READ && suffers_late(what, file, failure)) ||
                 (what == FILE_CALL_STREAM && suffers_late(FILE_CALL_LET_GO, file, failure));
    if (hand != NULL) {
        count(hand, what, fails ? failure->limit : size);
    }
    return fails;
}
