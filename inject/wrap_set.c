/* wrap_set.c - the calls on a set. */
#include <stddef.h>

#include "faults.h"
#include "guard.h"
#include "inject.h"
#include "next.h"
#include "vdierror.h"
#include "virtual_time.h"

/* Calls the real function as `real(...)`, or gives VD_E_UNEXPECTED where no library has it. What the library
 * calls of its own interface meanwhile is not the client's. */
#define CALL_REAL(real, ...) \
    (inject_thread.inside++, inject_result((real) == NULL ? VD_E_UNEXPECTED : (real)(__VA_ARGS__)))

static int inject_result(int result)
{
    inject_thread.inside--;
    return result;
}

static void construct(enum next_function next, ClientVirtualDeviceSet *self, const void *caller)
{
    set_void_function *real = (set_void_function *)next_definition(next);
    if (inject_sees_call(caller)) {
        shadow_set_constructed(self);
    }
    inject_thread.inside++;
    if (real != NULL) {
        real(self);
    } else {
        self->cvds = NULL;
    }
    inject_thread.inside--;
}

INJECT_EXPORT void vdi_set_init(ClientVirtualDeviceSet *self)
{
    construct(NEXT_SET_C1, self, __builtin_return_address(0));
}

INJECT_EXPORT void vdi_set_init_base(ClientVirtualDeviceSet *self)
{
    construct(NEXT_SET_C2, self, __builtin_return_address(0));
}

static void destroy(enum next_function next, ClientVirtualDeviceSet *self, const void *caller)
{
    set_void_function *real = (set_void_function *)next_definition(next);
    if (!inject_sees_call(caller)) {
        if (real != NULL) {
            real(self);
        }
        return;
    }
    struct shadow_set *set = shadow_set(self);
    struct call call = call_on_set(VDI_FN_DESTROY, set, self);
    call_begin(&call, caller, NULL);
    faults_at_entry(&call);
    inject_thread.inside++;
    if (real != NULL) {
        real(self);
    }
    inject_thread.inside--;
    call_end(&call, faults_at_end(&call, 0));
    if (set != NULL) {
        shadow_set_closed(set, SHADOW_NONE);
        guard_life_ended(&call);
        atomic_store(&set->state, SHADOW_NONE);
        atomic_store(&set->destroyed, true);
    }
}

INJECT_EXPORT void vdi_set_destroy(ClientVirtualDeviceSet *self)
{
    destroy(NEXT_SET_D1, self, __builtin_return_address(0));
}

INJECT_EXPORT void vdi_set_destroy_base(ClientVirtualDeviceSet *self)
{
    destroy(NEXT_SET_D2, self, __builtin_return_address(0));
}

/* The library is asked for buffers that the guard can hold apart; the client's configuration stays its own. */
static int create(create_function *real, ClientVirtualDeviceSet *self, char *name, VDConfig *cfg)
{
    if (cfg == NULL) {
        return CALL_REAL(real, self, name, cfg);
    }
    VDConfig passed = guard_ask(cfg);
    int result = CALL_REAL(real, self, name, &passed);
    guard_answer(cfg, &passed);
    return result;
}

INJECT_EXPORT int vdi_set_create(ClientVirtualDeviceSet *self, char *name, VDConfig *cfg)
{
    create_function *real = (create_function *)next_definition(NEXT_CREATE);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self, name, cfg);
    }
    struct shadow_set *set = shadow_set(self);
    struct call call = call_on_set(VDI_FN_CREATE, set, self);
    /* A Create on a set that is open belongs to that set's operation; every other one starts one. */
    bool starts = set != NULL && atomic_load(&set->state) != SHADOW_OPEN && name != NULL;
    if (starts) {
        guard_life_ended(&call);
        call.operation = run_claim_operation(name, cfg == NULL ? 0 : cfg->deviceCount);
    }
    if (cfg != NULL) {
        call.arg[0] = cfg->deviceCount;
        call.arg[1] = cfg->features;
        call.arg[2] = cfg->alignment;
        call.arg[3] = cfg->prefixZoneSize;
    }
    call_begin(&call, __builtin_return_address(0), name);
    if (cfg != NULL) {
        call_configuration(&call, cfg);
    }
    faults_at_entry(&call);
    int result = faults_answered_entry(&call) ? call.answer : create(real, self, name, cfg);
    result = faults_at_end(&call, result);
    if (starts && result == 0) {
        guard_life_began(set, cfg);
        shadow_set_opened(set, call.operation, false);
    } else if (starts) {
        run_drop_operation(call.operation);
    }
    return call_end(&call, result);
}

INJECT_EXPORT int vdi_set_open_in_secondary(ClientVirtualDeviceSet *self, char *name)
{
    open_in_secondary_function *real = (open_in_secondary_function *)next_definition(NEXT_OPEN_IN_SECONDARY);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self, name);
    }
    struct shadow_set *set = shadow_set(self);
    struct call call = call_on_set(VDI_FN_OPEN_IN_SECONDARY, set, self);
    bool starts = set != NULL && atomic_load(&set->state) != SHADOW_OPEN && name != NULL;
    if (starts) {
        guard_life_ended(&call);
        call.operation = run_find_operation(name);
    }
    call_begin(&call, __builtin_return_address(0), name);
    faults_at_entry(&call);
    int result = faults_answered_entry(&call) ? call.answer : CALL_REAL(real, self, name);
    result = faults_at_end(&call, result);
    if (starts && result == 0) {
        guard_life_began(set, NULL);
        shadow_set_opened(set, call.operation, true);
    }
    return call_end(&call, result);
}

/* The library's GetConfiguration, in slices where the run's clock may move on meanwhile. */
static int call_get_configuration(get_configuration_function *real, ClientVirtualDeviceSet *self,
                                  time_t timeout, VDConfig *cfg)
{
    struct timed_wait wait;
    if (timeout <= 0 || !virtual_library_wait_begin(&wait, timeout)) {
        return CALL_REAL(real, self, timeout, cfg);
    }
    int result = VD_E_TIMEOUT;
    for (time_t slice; result == VD_E_TIMEOUT && (slice = virtual_library_slice(&wait)) > 0;) {
        result = CALL_REAL(real, self, slice, cfg);
        vdifault_wait_pause(&wait);
    }
    vdifault_wait_end(&wait);
    return result;
}

INJECT_EXPORT int vdi_set_get_configuration(ClientVirtualDeviceSet *self, time_t timeout, VDConfig *cfg)
{
    get_configuration_function *real = (get_configuration_function *)next_definition(NEXT_GET_CONFIGURATION);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self, timeout, cfg);
    }
    struct call call = call_on_set(VDI_FN_GET_CONFIGURATION, shadow_set(self), self);
    int64_t ahead = virtual_ahead();
    call.arg[0] = timeout;
    call.timeout = timeout;
    call_begin(&call, __builtin_return_address(0), NULL);
    faults_at_entry(&call);
    int result = faults_answered(&call) ? call.answer : call_get_configuration(real, self, timeout, cfg);
    result = faults_at_end(&call, result);
    call.flags |= virtual_ahead() != ahead ? EVENT_FLAG_SHORTENED : 0u;
    if (result == 0 && cfg != NULL) {
        if (call.set != NULL) {
            guard_configured(call.set, cfg);
        }
        call_configuration(&call, cfg);
        call.arg[0] = cfg->features;
        call.arg[1] = cfg->blockSize;
        call.arg[2] = cfg->maxTransferSize;
        call.arg[3] = cfg->deviceCount;
    } else if (result == VD_E_ABORT && call.set != NULL) {
        shadow_set_aborted(call.set);
    }
    return call_end(&call, result);
}

INJECT_EXPORT int vdi_set_open_device(ClientVirtualDeviceSet *self, char *name, ClientVirtualDevice **device)
{
    open_device_function *real = (open_device_function *)next_definition(NEXT_OPEN_DEVICE);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self, name, device);
    }
    struct call call = call_on_set(VDI_FN_OPEN_DEVICE, shadow_set(self), self);
    call_begin(&call, __builtin_return_address(0), name);
    faults_at_entry(&call);
    int result = faults_answered(&call) ? call.answer : CALL_REAL(real, self, name, device);
    result = faults_at_end(&call, result);
    if (result == 0 && device != NULL && call.set != NULL && name != NULL) {
        call.device_index = run_device_index(call.operation, name);
        call.arg[0] = (int64_t)(intptr_t)*device;
        shadow_device_opened(call.set, *device, call.device_index);
    } else if (result != 0 && device != NULL) {
        *device = NULL;
    }
    return call_end(&call, result);
}

INJECT_EXPORT int vdi_set_signal_abort(ClientVirtualDeviceSet *self)
{
    set_int_function *real = (set_int_function *)next_definition(NEXT_SIGNAL_ABORT);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self);
    }
    struct call call = call_on_set(VDI_FN_SIGNAL_ABORT, shadow_set(self), self);
    call_begin(&call, __builtin_return_address(0), NULL);
    faults_at_entry(&call);
    if (faults_answered(&call)) {
        return call_end(&call, call.answer);
    }
    int result = faults_at_end(&call, CALL_REAL(real, self));
    if (call.set != NULL && atomic_load(&call.set->state) == SHADOW_OPEN) {
        if (result != 0 && atomic_load(&call.set->lost_devices) != 0) {
            /* To the client the set is Active, whatever the library has made of it meanwhile. */
            call.flags |= EVENT_FLAG_FAULTED;
            result = 0;
        }
        if (result == 0) {
            shadow_set_aborted(call.set);
            guard_aborted(&call);
        }
    }
    return call_end(&call, result);
}

INJECT_EXPORT int vdi_set_close(ClientVirtualDeviceSet *self)
{
    set_int_function *real = (set_int_function *)next_definition(NEXT_CLOSE);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self);
    }
    struct call call = call_on_set(VDI_FN_CLOSE, shadow_set(self), self);
    call_begin(&call, __builtin_return_address(0), NULL);
    faults_at_entry(&call);
    if (faults_answered(&call)) {
        guard_closed(&call);
        return call_end(&call, call.answer);
    }
    int result = faults_at_end(&call, CALL_REAL(real, self));
    if (call.set != NULL && result != VD_E_PROTOCOL) {
        guard_closed(&call);
        bool open_to_client = atomic_load(&call.set->lost_devices) != 0 && !atomic_load(&call.set->aborted);
        if (open_to_client && result == 0) { /* spec 3.9: a device whose VD_E_CLOSE was not delivered */
            call.flags |= EVENT_FLAG_FAULTED;
            result = VD_E_OPEN;
        }
        shadow_set_closed(call.set, SHADOW_NONE);
    }
    return call_end(&call, result);
}

INJECT_EXPORT int vdi_set_get_buffer_handle(ClientVirtualDeviceSet *self, uint8_t *buffer,
                                            unsigned int *handle)
{
    get_buffer_handle_function *real = (get_buffer_handle_function *)next_definition(NEXT_GET_BUFFER_HANDLE);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self, buffer, handle);
    }
    struct call call = call_on_set(VDI_FN_GET_BUFFER_HANDLE, shadow_set(self), self);
    call.arg[0] = (int64_t)(intptr_t)buffer;
    call.arg[1] = (int64_t)shadow_fetch_of_buffer(call.set, buffer);
    call_begin(&call, __builtin_return_address(0), NULL);
    faults_at_entry(&call);
    uint8_t *own = guard_buffer_for_handle(buffer); /* not in the library yet: a fault may be due */
    int result = faults_answered(&call) ? call.answer : CALL_REAL(real, self, own, handle);
    result = faults_at_end(&call, result);
    call.arg[0] = result == 0 && handle != NULL ? (int64_t)*handle : 0;
    return call_end(&call, result);
}

INJECT_EXPORT int vdi_set_map_buffer_handle(ClientVirtualDeviceSet *self, int handle, uint8_t **buffer)
{
    map_buffer_handle_function *real = (map_buffer_handle_function *)next_definition(NEXT_MAP_BUFFER_HANDLE);
    if (!inject_sees_call(__builtin_return_address(0))) {
        return real == NULL ? VD_E_UNEXPECTED : real(self, handle, buffer);
    }
    struct call call = call_on_set(VDI_FN_MAP_BUFFER_HANDLE, shadow_set(self), self);
    call.arg[0] = handle;
    call_begin(&call, __builtin_return_address(0), NULL);
    faults_at_entry(&call);
    int result = faults_answered(&call) ? call.answer : CALL_REAL(real, self, handle, buffer);
    result = faults_at_end(&call, result);
    call.arg[0] = result == 0 && buffer != NULL ? (int64_t)(intptr_t)*buffer : 0;
    return call_end(&call, result);
}

INJECT_EXPORT void vdi_set_register_device_closed(ClientVirtualDeviceSet *self)
{
    set_void_function *real = (set_void_function *)next_definition(NEXT_REGISTER_DEVICE_CLOSED);
    if (!inject_sees_call(__builtin_return_address(0))) {
        if (real != NULL) {
            real(self);
        }
        return;
    }
    struct call call = call_on_set(VDI_FN_REGISTER_DEVICE_CLOSED, shadow_set(self), self);
    call_begin(&call, __builtin_return_address(0), NULL);
    faults_at_entry(&call);
    if (!faults_answered(&call) && real != NULL) {
        inject_thread.inside++;
        real(self);
        inject_thread.inside--;
    }
    call_end(&call, faults_at_end(&call, 0));
}
