/* touch.c - see sys.h: tells the guard what a call does to buffers, and asks it whose they are. */
#include "sys.h"
#include "witness.h"

#pragma weak vdifault_guard_touch
#pragma weak vdifault_guard_fetch_of

static void touch(const struct sys_call *call, const void *data, size_t size, int is_write)
{
    if (vdifault_guard_touch != NULL && data != NULL && size > 0) {
        vdifault_guard_touch(data, size, is_write, call->name);
    }
}

void touch_taken(struct sys_call *call, const void *data, size_t size)
{
    touch(call, data, size, 0);
    if (call->fetch == 0 && vdifault_guard_fetch_of != NULL && data != NULL && size > 0) {
        call->fetch = vdifault_guard_fetch_of(data);
    }
}

void touch_taken_parts(struct sys_call *call, const struct iovec *parts, size_t count)
{
    for (size_t i = 0; parts != NULL && i < count; i++) {
        touch_taken(call, parts[i].iov_base, parts[i].iov_len);
    }
}

void touch_filled(struct sys_call *call, const void *data, size_t size)
{
    touch(call, data, size, 1);
}

void touch_filled_parts(struct sys_call *call, const struct iovec *parts, size_t count)
{
    for (size_t i = 0; parts != NULL && i < count; i++) {
        touch_filled(call, parts[i].iov_base, parts[i].iov_len);
    }
}

size_t touch_parts_size(const struct iovec *parts, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; parts != NULL && i < count; i++) {
        size += parts[i].iov_len;
    }
    return size;
}
