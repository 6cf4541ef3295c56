/* call_library.c - a libsqlvdi.so that does next to nothing: what a call costs beside it is the interposer's. */
#include <string.h>

#include "vdi.h"

enum {
    BLOCKS = 4
};

static struct VDC_Command blocks[BLOCKS];
static uint8_t buffer[BLOCKS];
static char device;

#define EXPORT __attribute__((visibility("default")))

EXPORT void vdi_set_init(ClientVirtualDeviceSet *set)
{
    memset(set, 0, sizeof *set);
}

EXPORT int vdi_set_create(ClientVirtualDeviceSet *set, char *name, VDConfig *config)
{
    (void)set, (void)name, (void)config;
    return 0;
}

EXPORT int vdi_set_open_device(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **opened)
{
    (void)set, (void)name;
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i].commandCode = VDC_Write;
        blocks[i].size = 65536;
        blocks[i].buffer = &buffer[i];
    }
    *opened = (ClientVirtualDevice *)(void *)&device;
    return 0;
}

EXPORT int vdi_device_get_command(ClientVirtualDevice *from, time_t timeout, VDC_Command **command)
{
    static unsigned next;
    (void)from, (void)timeout;
    *command = &blocks[next++ % BLOCKS];
    return 0;
}

EXPORT int vdi_device_complete_command(ClientVirtualDevice *to, VDC_Command *command, int code,
                                       unsigned long bytes, int64_t position)
{
    (void)to, (void)command, (void)code, (void)bytes, (void)position;
    return 0;
}
