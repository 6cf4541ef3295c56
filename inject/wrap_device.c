/* wrap_device.c - the calls on a device: GetCommand, CompleteCommand, constructor and destructor. */
#include <stddef.h>

#include "failures.h"
#include "faults.h"
#include "guard.h"
#include "idle.h"
#include "inject.h"
#include "next.h"
#include "vdierror.h"
#include "virtual_time.h"

/* A client built with ThreadSanitizer sees neither the library nor the server: a buffer that one device's thread
 * gave back and another's got would be a race to it. Whatever was completed comes before whatever is fetched
 * after it; the same set stands for all of it. Absent from every other client. */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

static void tell_fetched(const struct call *call)
{
    if (__tsan_acquire != NULL && call->set != NULL) {
        __tsan_acquire(call->set);
    }
}

static void tell_completed(const struct call *call)
{
    if (__tsan_release != NULL && call->set != NULL) {
        __tsan_release(call->set);
    }
}

/* What the library delivered, guarded before any fault can take it away; what the client gets of it. NULL: a fault
 * has closed the set meanwhile. */
static VDC_Command *delivered(struct call *call, VDC_Command *block)
{
    VDC_Command command;
    VDC_Command *given = guard_grant(call, block, &command);
    if (given == NULL) {
        return NULL;
    }
    failures_command(call, command.commandCode);
    struct fault_moments later = faults_at_delivery(call, given, &command);
    if (later.at_touch != 0) {
        guard_arm(given, later.at_touch);
    }
    call->arg[0] = (int64_t)(intptr_t)given;
    call->arg[1] = command.commandCode;
    call->arg[2] = command.size;
    call->arg[3] = command.position;
    call->arg[4] = (int64_t)(intptr_t)command.buffer;
    call->arg[5] = shadow_fetched(call->device, block, &command, call->sequence, later.at_complete);
    return given;
}

static int ask_for_command(get_command_function *real, ClientVirtualDevice *self, time_t timeout,
                           VDC_Command **block)
{
    inject_thread.inside++;
    int result = real(self, timeout, block);
    inject_thread.inside--;
    return result;
}

/* The same in slices, where the run's clock may move on meanwhile. */
static int wait_for_command(get_command_function *real, ClientVirtualDevice *self, time_t timeout,
                            VDC_Command **block)
{
    struct timed_wait wait;
    if (timeout <= 0 || !virtual_library_wait_begin(&wait, timeout)) {
        return ask_for_command(real, self, timeout, block);
    }
    int result = VD_E_TIMEOUT;
    for (time_t slice; result == VD_E_TIMEOUT && (slice = virtual_library_slice(&wait)) > 0;) {
        result = ask_for_command(real, self, slice, block);
        vdifault_wait_pause(&wait);
    }
    vdifault_wait_end(&wait);
    return result;
}

/* What the library's answer means for the device, and what the client's is. */
static int answer(struct call *call, int result, int64_t deadline, VDC_Command **block)
{
    struct shadow_device *device = call->device;
    if (device == NULL || call->set == NULL) {
        return result;
    }
    if (result == 0 && block != NULL && *block != NULL) {
        tell_fetched(call);
        *block = delivered(call, *block);
        if (*block == NULL) {
            call->flags |= EVENT_FLAG_FAULTED;
            result = VD_E_PROTOCOL;
        }
    } else if (result == VD_E_ABORT && shadow_device_is_current(device)) {
        shadow_set_aborted(call->set); /* idle calls on other devices learn it as well */
    } else if (result == VD_E_CLOSE && shadow_device_is_current(device)) {
        if (faults_withhold_close(call)) {
            call->flags |= EVENT_FLAG_FAULTED;
            result = idle_wait_for_close(device, deadline);
        } else {
            shadow_device_closed(device);
        }
    }
    return result;
}

static int get_command(struct call *call, ClientVirtualDevice *self, time_t timeout, VDC_Command **block)
{
    get_command_function *real = (get_command_function *)next_definition(NEXT_GET_COMMAND);
    int64_t deadline = inject_plan()->loses_close ? idle_deadline(timeout) : 0; /* from before the wait */
    if (real == NULL) {
        return VD_E_UNEXPECTED;
    }
    return answer(call, wait_for_command(real, self, timeout, block), deadline, block);
}

/* As the library does (design 4.2); of a fault that says success, what it is about. */
static int without_command(const struct call *call, int result, VDC_Command **block)
{
    if ((result != 0 || (call->flags & EVENT_FLAG_FAULTED) != 0) && block != NULL) {
        *block = NULL;
    }
    return result;
}

/* VD_E_CLOSE of the device has come, and a fault goes on with it. */
static bool goes_on_closing(const struct call *call)
{
    return call->device != NULL && atomic_load(&call->device->close) != SHADOW_CLOSE_PASSES &&
           shadow_device_is_current(call->device) && atomic_load(&call->set->state) == SHADOW_OPEN;
}

static int go_on_closing(struct call *call)
{
    call->flags |= EVENT_FLAG_FAULTED;
    if (atomic_load(&call->device->close) == SHADOW_CLOSE_WITHHELD) {
        return idle_wait_for_close(call->device, idle_deadline(call->timeout));
    }
    return atomic_load(&call->set->aborted) ? VD_E_ABORT : VD_E_CLOSE;
}

static __attribute__((noinline)) int observe_get_command(ClientVirtualDevice *self, time_t timeout,
                                                         VDC_Command **block, const void *caller)
{
    struct call call = call_on_device(VDI_FN_GET_COMMAND, shadow_device(self), self);
    int64_t ahead = virtual_ahead();
    call.arg[0] = timeout;
    call.timeout = timeout;
    call_begin(&call, caller, NULL);
    faults_at_entry(&call);
    int result;
    if (faults_answered(&call)) {
        result = call.answer;
    } else if (goes_on_closing(&call)) {
        result = go_on_closing(&call);
    } else {
        result = faults_at_end(&call, get_command(&call, self, timeout, block));
    }
    call.flags |= virtual_ahead() != ahead ? EVENT_FLAG_SHORTENED : 0u;
    return call_end(&call, without_command(&call, result, block));
}

/* The command that comes is none that a fault is at: then it was no concern of ours. */
static __attribute__((noinline)) int pass_get_command(get_command_function *real, ClientVirtualDevice *self,
                                                      time_t timeout, VDC_Command **block)
{
    int result = ask_for_command(real, self, timeout, block);
    if (result == 0 && block != NULL && *block != NULL && !faults_are_at_command((*block)->commandCode)) {
        return 0;
    }
    struct call call = call_on_device(VDI_FN_GET_COMMAND, shadow_device(self), self);
    call.sequence = call_unrecorded(call.function);
    return without_command(&call, answer(&call, result, 0, block), block);
}

/* A client built with ThreadSanitizer is told of each command. */
static bool passes(enum vdi_function function, bool is_known)
{
    return is_known && faults_let_pass(function) && __tsan_acquire == NULL;
}

/* What follows the look at the mode is apart: a call that passes straight through makes no room for it. */
INJECT_EXPORT int vdi_device_get_command(ClientVirtualDevice *self, time_t timeout, VDC_Command **block)
{
    const void *caller = __builtin_return_address(0);
    get_command_function *real = (get_command_function *)next_definition(NEXT_GET_COMMAND);
    if (inject_sees_call(caller)) {
        return passes(VDI_FN_GET_COMMAND, real != NULL) ? pass_get_command(real, self, timeout, block)
                                                        : observe_get_command(self, timeout, block, caller);
    }
    return real == NULL ? VD_E_UNEXPECTED : real(self, timeout, block);
}

static __attribute__((noinline)) int observe_complete_command(ClientVirtualDevice *self, VDC_Command *command,
                                                              int completion_code,
                                                              unsigned long bytes_transferred,
                                                              int64_t position, const void *caller)
{
    complete_command_function *real = (complete_command_function *)next_definition(NEXT_COMPLETE_COMMAND);
    struct call call = call_on_device(VDI_FN_COMPLETE_COMMAND, shadow_device(self), self);
    struct slot *guarded = guard_find(command);
    VDC_Command *block = guarded == NULL ? command : guard_block(guarded);
    struct shadow_command *fetched = call.device == NULL ? NULL : shadow_find_command(call.device, block);
    uint64_t at_complete = 0;
    call.command = command;
    call.bytes = bytes_transferred;
    call.arg[0] = (int64_t)(intptr_t)command;
    call.arg[1] = completion_code;
    call.arg[2] = (int64_t)bytes_transferred;
    call.arg[3] = position;
    if (fetched != NULL) {
        call.arg[4] = (int64_t)(guarded == NULL ? atomic_load(&fetched->call) : guard_fetch(guarded));
        call.arg[5] = atomic_load(&fetched->code);
        at_complete = atomic_load(&fetched->at_complete) == 0 ? 0 : atomic_exchange(&fetched->at_complete, 0);
        /* Before the library has it: afterwards the block may already be somebody's next command. */
        atomic_store_explicit(&fetched->outstanding, false, memory_order_release);
    }
    failures_completed((uint64_t)call.arg[4]);
    call_begin(&call, caller, NULL);
    faults_at_entry(&call);
    int answer = completion_code;
    if (at_complete != 0) {
        faults_when_due(&call, at_complete);
        answer = faults_answer(&call, at_complete, completion_code);
    }
    int result;
    if (faults_answered(&call)) {
        result = call.answer;
    } else {
        guard_before_completion(guarded, &call, bytes_transferred);
        tell_completed(&call);
        inject_thread.inside++;
        result = real == NULL
                     ? VD_E_UNEXPECTED
                     : real(self, block, answer, answer == completion_code ? bytes_transferred : 0, position);
        inject_thread.inside--;
        result = faults_at_end(&call, result);
        if (result == VD_E_ABORT && call.device != NULL && shadow_device_is_current(call.device)) {
            shadow_set_aborted(call.set);
        }
    }
    guard_after_completion(guarded, &call, result);
    return call_end(&call, result);
}

static __attribute__((noinline)) int pass_complete_command(complete_command_function *real,
                                                           ClientVirtualDevice *self, VDC_Command *command,
                                                           int completion_code,
                                                           unsigned long bytes_transferred, int64_t position)
{
    inject_thread.inside++;
    int result = real(self, command, completion_code, bytes_transferred, position);
    inject_thread.inside--;
    struct shadow_device *device = result == VD_E_ABORT ? shadow_device(self) : NULL;
    if (device != NULL && shadow_device_is_current(device)) {
        shadow_set_aborted(atomic_load(&device->set));
    }
    return result;
}

INJECT_EXPORT int vdi_device_complete_command(ClientVirtualDevice *self, VDC_Command *command,
                                              int completion_code, unsigned long bytes_transferred,
                                              int64_t position)
{
    const void *caller = __builtin_return_address(0);
    complete_command_function *real = (complete_command_function *)next_definition(NEXT_COMPLETE_COMMAND);
    if (inject_sees_call(caller)) {
        return passes(VDI_FN_COMPLETE_COMMAND, real != NULL)
                   ? pass_complete_command(real, self, command, completion_code, bytes_transferred, position)
                   : observe_complete_command(self, command, completion_code, bytes_transferred, position,
                                              caller);
    }
    return real == NULL ? VD_E_UNEXPECTED : real(self, command, completion_code, bytes_transferred, position);
}

/* Applications make no device objects, but the class has these in public; they mean nothing to a run. */
static void pass(enum next_function next, ClientVirtualDevice *self)
{
    device_void_function *real = (device_void_function *)next_definition(next);
    if (real != NULL) {
        real(self);
    }
}

INJECT_EXPORT void vdi_device_init(ClientVirtualDevice *self)
{
    pass(NEXT_DEVICE_C1, self);
}

INJECT_EXPORT void vdi_device_init_base(ClientVirtualDevice *self)
{
    pass(NEXT_DEVICE_C2, self);
}

INJECT_EXPORT void vdi_device_destroy(ClientVirtualDevice *self)
{
    pass(NEXT_DEVICE_D1, self);
}

INJECT_EXPORT void vdi_device_destroy_base(ClientVirtualDevice *self)
{
    pass(NEXT_DEVICE_D2, self);
}
