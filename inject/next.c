/* next.c - see next.h. */
#include "next.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct next_entry {
    const char *symbol;
    void *wrapper;
};

static const struct next_entry table[NEXT_COUNT] = {
    [NEXT_SET_C1] = {"_ZN22ClientVirtualDeviceSetC1Ev", (void *)vdi_set_init},
    [NEXT_SET_C2] = {"_ZN22ClientVirtualDeviceSetC2Ev", (void *)vdi_set_init_base},
    [NEXT_SET_D1] = {"_ZN22ClientVirtualDeviceSetD1Ev", (void *)vdi_set_destroy},
    [NEXT_SET_D2] = {"_ZN22ClientVirtualDeviceSetD2Ev", (void *)vdi_set_destroy_base},
    [NEXT_CREATE] = {"_ZN22ClientVirtualDeviceSet6CreateEPcP8VDConfig", (void *)vdi_set_create},
    [NEXT_GET_CONFIGURATION] = {"_ZN22ClientVirtualDeviceSet16GetConfigurationElP8VDConfig",
                                (void *)vdi_set_get_configuration},
    [NEXT_OPEN_DEVICE] = {"_ZN22ClientVirtualDeviceSet10OpenDeviceEPcPP19ClientVirtualDevice",
                          (void *)vdi_set_open_device},
    [NEXT_CLOSE] = {"_ZN22ClientVirtualDeviceSet5CloseEv", (void *)vdi_set_close},
    [NEXT_SIGNAL_ABORT] = {"_ZN22ClientVirtualDeviceSet11SignalAbortEv", (void *)vdi_set_signal_abort},
    [NEXT_OPEN_IN_SECONDARY] = {"_ZN22ClientVirtualDeviceSet15OpenInSecondaryEPc",
                                (void *)vdi_set_open_in_secondary},
    [NEXT_GET_BUFFER_HANDLE] = {"_ZN22ClientVirtualDeviceSet15GetBufferHandleEPhPj",
                                (void *)vdi_set_get_buffer_handle},
    [NEXT_MAP_BUFFER_HANDLE] = {"_ZN22ClientVirtualDeviceSet15MapBufferHandleEiPPh",
                                (void *)vdi_set_map_buffer_handle},
    [NEXT_REGISTER_DEVICE_CLOSED] = {"_ZN22ClientVirtualDeviceSet20RegisterDeviceClosedEv",
                                     (void *)vdi_set_register_device_closed},
    [NEXT_DEVICE_C1] = {"_ZN19ClientVirtualDeviceC1Ev", (void *)vdi_device_init},
    [NEXT_DEVICE_C2] = {"_ZN19ClientVirtualDeviceC2Ev", (void *)vdi_device_init_base},
    [NEXT_DEVICE_D1] = {"_ZN19ClientVirtualDeviceD1Ev", (void *)vdi_device_destroy},
    [NEXT_DEVICE_D2] = {"_ZN19ClientVirtualDeviceD2Ev", (void *)vdi_device_destroy_base},
    [NEXT_GET_COMMAND] = {"_ZN19ClientVirtualDevice10GetCommandElPP11VDC_Command",
                          (void *)vdi_device_get_command},
    [NEXT_COMPLETE_COMMAND] = {"_ZN19ClientVirtualDevice15CompleteCommandEP11VDC_Commandiml",
                               (void *)vdi_device_complete_command},
};

static _Atomic(void *) found_definitions[NEXT_COUNT];

dlsym_function *next_dlsym(void)
{
    static _Atomic(void *) real;
    void *function = atomic_load_explicit(&real, memory_order_acquire);
    if (function == NULL) {
        /* dlvsym, because dlsym by any other way is ourselves. The version is the C library's per
         * architecture: 2.34 moved dlsym into libc and kept the old name beside the new one. */
        static const char *const versions[] = {"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17"};
        for (size_t i = 0; function == NULL && i < sizeof(versions) / sizeof(versions[0]); i++) {
            function = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
        }
        atomic_store_explicit(&real, function, memory_order_release);
    }
    return (dlsym_function *)function;
}

static int by_name(struct dl_phdr_info *info, size_t size, void *path)
{
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *base = slash != NULL ? slash + 1 : info->dlpi_name;
    if (strncmp(base, "libsqlvdi.so", strlen("libsqlvdi.so")) != 0) {
        return 0;
    }
    /* Only the name is taken here: dlopen must not be called while the loader's list is locked. */
    snprintf(path, PATH_MAX, "%s", info->dlpi_name);
    return 1;
}

static void *in_loaded_library(const char *symbol)
{
    char path[PATH_MAX];
    if (dl_iterate_phdr(by_name, path) == 0) {
        return NULL;
    }
    void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    if (library == NULL) {
        return NULL;
    }
    void *definition = next_dlsym()(library, symbol);
    dlclose(library); /* the client's own reference keeps it loaded */
    return definition;
}

void *next_definition(enum next_function function)
{
    void *definition = atomic_load_explicit(&found_definitions[function], memory_order_acquire);
    if (definition != NULL) {
        return definition;
    }
    int saved = errno;
    dlsym_function *lookup = next_dlsym();
    if (lookup != NULL) {
        definition = lookup(RTLD_NEXT, table[function].symbol);
        if (definition == NULL || definition == table[function].wrapper) {
            definition = in_loaded_library(table[function].symbol);
        }
    }
    atomic_store_explicit(&found_definitions[function], definition, memory_order_release);
    errno = saved;
    return definition;
}

static int find(const char *name)
{
    if (name == NULL || strncmp(name, "_ZN", 3) != 0) {
        return -1;
    }
    for (int i = 0; i < NEXT_COUNT; i++) {
        if (strcmp(table[i].symbol, name) == 0) {
            return i;
        }
    }
    return -1;
}

void *next_wrapper(const char *name)
{
    int function = find(name);
    return function < 0 ? NULL : table[function].wrapper;
}

void next_learn(const char *name, void *found)
{
    int function = find(name);
    if (function >= 0 && found != table[function].wrapper) {
        atomic_store_explicit(&found_definitions[function], found, memory_order_release);
    }
}
