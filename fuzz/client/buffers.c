/* buffers.c - what a client touches after it gave it back: the buffer of a completed command is poisoned, where the
 * program has AddressSanitizer, until it comes with a command again.
 *
 * The client sees shared memory at addresses of its own then (sim_options.apart), so the server's accesses are not
 * concerned. What a completion means for the buffer is as inject/guard.h has it: it goes with one that the library took
 * or answered with VD_E_ABORT, and stays with one that was refused. A report of the sanitizer's ends the program at the
 * client's line, as any other does.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim_asan.h"
#include "vdi.h"
#include "vdierror.h"
#include "world.h"

extern void *__asan_get_report_address(void) __attribute__((weak));

enum {
    COMMANDS_MAX = 1024 /* command blocks of a session; those beyond are not guarded */
};

/* A command block, and the buffer that it came with last. */
static struct given {
    const VDC_Command *command;
    uint8_t *buffer;
    size_t size;
    bool held;
} given[COMMANDS_MAX];
static uint32_t count;

bool buffers_are_guarded(void)
{
    return __asan_poison_memory_region != NULL;
}

void buffers_reset(void)
{
    count = 0;
}

static struct given *find(const VDC_Command *command)
{
    for (uint32_t i = 0; i < count; i++) {
        if (given[i].command == command) {
            return &given[i];
        }
    }
    return NULL;
}

int buffers_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command)
{
    int result = vdi_device_get_command(device, timeout, command);
    if (!buffers_are_guarded() || result != 0 || command == NULL || *command == NULL) {
        return result;
    }
    struct given *entry = find(*command);
    if (entry == NULL && count < COMMANDS_MAX) {
        entry = &given[count++];
    }
    if (entry != NULL) {
        *entry = (struct given){.command = *command, .held = (*command)->buffer != NULL};
        if (entry->held) {
            entry->buffer = (*command)->buffer;
            entry->size = (size_t)(*command)->size;
            asan_show(entry->buffer, entry->size);
        }
    }
    return result;
}

/* Before the library has it: afterwards the buffer may already be somebody's next one. */
int buffers_complete_command(ClientVirtualDevice *device, VDC_Command *command, int code, unsigned long bytes,
                             int64_t position)
{
    struct given *entry = find(command);
    bool goes = entry != NULL && entry->held;
    if (goes) {
        entry->held = false;
        asan_hide(entry->buffer, entry->size);
    }
    int result = vdi_device_complete_command(device, command, code, bytes, position);
    if (goes && result != 0 && result != (int)VD_E_ABORT) {
        entry->held = true;
        asan_show(entry->buffer, entry->size);
    }
    return result;
}

/* Called by AddressSanitizer before its report. */
#pragma GCC visibility push(default)
void __asan_on_error(void) __attribute__((weak));
#pragma GCC visibility pop
void __asan_on_error(void)
{
    uintptr_t address = __asan_get_report_address != NULL ? (uintptr_t)__asan_get_report_address() : 0;
    for (uint32_t i = 0; i < count && world_is_inside(); i++) {
        /* Commands without a buffer have none of any address. */
        if (!given[i].held && address - (uintptr_t)given[i].buffer < given[i].size) {
            fprintf(stderr,
                    "vdifault: the client touches a buffer that it gave back with CompleteCommand "
                    "(VDI-BUF-001)\n");
            return;
        }
    }
}
