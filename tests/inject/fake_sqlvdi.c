/* fake_sqlvdi.c - a libsqlvdi.so of known behaviour, one process, no server.
 *
 * Each device delivers three Writes (or FAKE_WRITES) and a Flush and is then closed. Buffers are one mapping that Close
 * takes away: shared ones, or private ones with FAKE_PRIVATE. FAKE_READ makes the Writes Reads, FAKE_SIZE their size.
 * GetConfiguration raises SIGUSR1 when FAKE_RAISE is set. Like any C++ class with a careful destructor it calls its own
 * Close through the public name. A call on a closed set makes it exit with 99 when FAKE_STRICT is set: after
 * early-close nobody may ask it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vdi.h"
#include "vdierror.h"

enum {
    DEVICES = 8,
    COMMANDS = 4,
    BUFFER = 4096
};

struct CVD {
    struct CVDS *set;
    ClientVirtualDevice object;
    uint32_t index;
    uint32_t fetched;
    bool failed; /* a command was completed with an error */
    uint32_t open;
    VDC_Command commands[COMMANDS];
};

struct CVDS {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t exists;
    uint32_t aborted;
    uint32_t opened;
    VDConfig config;
    uint8_t *buffers;
    struct CVD devices[DEVICES];
};

void set_init_base(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetC2Ev");
void set_destroy_base(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetD2Ev");
void device_init_base(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceC2Ev");
void device_destroy_base(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceD2Ev");

static int32_t size_of_commands(void)
{
    const char *size = getenv("FAKE_SIZE");
    return size == NULL ? BUFFER : atoi(size);
}

static uint32_t count_of_writes(void)
{
    const char *count = getenv("FAKE_WRITES");
    return count == NULL ? COMMANDS - 1 : (uint32_t)atoi(count);
}

static int missing(void)
{
    if (getenv("FAKE_STRICT") != NULL) {
        _exit(99);
    }
    return VD_E_PROTOCOL;
}

void vdi_set_init(ClientVirtualDeviceSet *set)
{
    set->cvds = calloc(1, sizeof(*set->cvds));
    pthread_mutex_init(&set->cvds->lock, NULL);
    pthread_cond_init(&set->cvds->changed, NULL);
}

void set_init_base(ClientVirtualDeviceSet *set)
{
    vdi_set_init(set);
}

void vdi_set_destroy(ClientVirtualDeviceSet *set)
{
    if (set->cvds->exists) {
        vdi_set_close(set);
    }
    free(set->cvds);
    set->cvds = NULL;
}

void set_destroy_base(ClientVirtualDeviceSet *set)
{
    vdi_set_destroy(set);
}

int vdi_set_create(ClientVirtualDeviceSet *set, char *name, VDConfig *cfg)
{
    struct CVDS *s = set->cvds;
    (void)name;
    if (s->exists) {
        return VD_E_PROTOCOL;
    }
    if (cfg->deviceCount == 0 || cfg->deviceCount > DEVICES) {
        return VD_E_NOTSUPPORTED;
    }
    s->config = *cfg;
    s->exists = 1;
    s->aborted = 0;
    s->opened = 0;
    int kind = getenv("FAKE_PRIVATE") == NULL ? MAP_SHARED : MAP_PRIVATE;
    s->buffers = mmap(NULL, BUFFER * DEVICES, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    memset(s->buffers, 0x5a, BUFFER * DEVICES);
    return 0;
}

int vdi_set_get_configuration(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *cfg)
{
    (void)timeout;
    if (!set->cvds->exists) {
        return missing();
    }
    if (getenv("FAKE_RAISE") != NULL) {
        raise(SIGUSR1);
    }
    set->cvds->config.features |= VDF_WriteMedia;
    set->cvds->config.blockSize = 512;
    set->cvds->config.maxTransferSize = 65536;
    *cfg = set->cvds->config;
    return set->cvds->aborted ? VD_E_ABORT : 0;
}

int vdi_set_open_device(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **device)
{
    struct CVDS *s = set->cvds;
    (void)name;
    *device = NULL;
    if (!s->exists) {
        return missing();
    }
    if (s->aborted) {
        return VD_E_ABORT;
    }
    if (s->opened == s->config.deviceCount) {
        return VD_E_OPEN;
    }
    struct CVD *d = &s->devices[s->opened];
    *d = (struct CVD){.set = s, .index = s->opened, .open = 1};
    d->object.cvd = d;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        bool last = i == COMMANDS - 1;
        d->commands[i] =
            (VDC_Command){last                          ? VDC_Flush
                          : getenv("FAKE_READ") != NULL ? VDC_Read
                                                        : VDC_Write,
                          last ? 0 : size_of_commands(), 0,
                          last ? NULL : s->buffers + (size_t)s->opened * BUFFER + s->config.prefixZoneSize};
    }
    s->opened++;
    *device = &d->object;
    return 0;
}

int vdi_set_close(ClientVirtualDeviceSet *set)
{
    struct CVDS *s = set->cvds;
    if (!s->exists) {
        return VD_E_PROTOCOL;
    }
    int result = 0;
    for (uint32_t i = 0; i < s->opened; i++) {
        result = s->devices[i].open && !s->aborted ? VD_E_OPEN : result;
        s->devices[i].open = 0;
    }
    pthread_mutex_lock(&s->lock);
    s->exists = 0;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    munmap(s->buffers, BUFFER * DEVICES);
    return result;
}

int vdi_set_signal_abort(ClientVirtualDeviceSet *set)
{
    struct CVDS *s = set->cvds;
    if (!s->exists) {
        return VD_E_PROTOCOL;
    }
    pthread_mutex_lock(&s->lock);
    s->aborted = 1;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

int vdi_set_open_in_secondary(ClientVirtualDeviceSet *set, char *name)
{
    (void)name;
    VDConfig config = {.deviceCount = 1};
    return vdi_set_create(set, name, &config);
}

int vdi_set_get_buffer_handle(ClientVirtualDeviceSet *set, uint8_t *buffer, unsigned int *handle)
{
    (void)buffer;
    *handle = 7;
    return set->cvds->exists ? 0 : missing();
}

int vdi_set_map_buffer_handle(ClientVirtualDeviceSet *set, int handle, uint8_t **buffer)
{
    *buffer = set->cvds->buffers;
    return !set->cvds->exists ? missing() : handle == 7 ? 0 : VD_E_INVALID;
}

void vdi_set_register_device_closed(ClientVirtualDeviceSet *set)
{
    (void)set;
}

void vdi_device_init(ClientVirtualDevice *device)
{
    device->cvd = NULL;
}

void device_init_base(ClientVirtualDevice *device)
{
    device->cvd = NULL;
}

void vdi_device_destroy(ClientVirtualDevice *device)
{
    (void)device;
}

void device_destroy_base(ClientVirtualDevice *device)
{
    (void)device;
}

/* timeout 4711 stands for a server that sends nothing until the abort or the close. */
int vdi_device_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command)
{
    struct CVD *d = device->cvd;
    *command = NULL;
    pthread_mutex_lock(&d->set->lock);
    while (timeout == 4711 && d->set->exists && !d->set->aborted) {
        pthread_cond_wait(&d->set->changed, &d->set->lock);
    }
    pthread_mutex_unlock(&d->set->lock);
    if (timeout == 4711) {
        return VD_E_ABORT;
    }
    if (!d->set->exists) {
        return missing();
    }
    if (d->set->aborted) {
        return VD_E_ABORT;
    }
    uint32_t writes = count_of_writes();
    if (d->fetched == writes + 1 || d->failed) { /* what a server may do about an error (spec 9.4) */
        d->open = 0;
        return VD_E_CLOSE;
    }
    *command = &d->commands[d->fetched == writes ? COMMANDS - 1 : d->fetched % (COMMANDS - 1)];
    d->fetched++;
    return 0;
}

int vdi_device_complete_command(ClientVirtualDevice *device, VDC_Command *command, int completion_code,
                                unsigned long bytes_transferred, int64_t position)
{
    struct CVD *d = device->cvd;
    (void)position;
    if (!d->set->exists) {
        return missing();
    }
    if (d->set->aborted) {
        return VD_E_ABORT;
    }
    d->failed = d->failed || completion_code != 0;
    if (completion_code != 0 && bytes_transferred != 0) {
        return VD_E_INVALID; /* stricter than the real one: nothing was moved */
    }
    bool is_ours = command >= d->commands && command < d->commands + COMMANDS;
    return is_ours && bytes_transferred <= BUFFER ? 0 : VD_E_INVALID;
}
