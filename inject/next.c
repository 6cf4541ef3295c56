/* next.c - see next.h. */
#include "next.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
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

_Atomic(void *) next_found[NEXT_COUNT];

enum {
    LIBRARIES_MAX = 8
};

/* Where libraries lie that definitions were found in. They stay there, see pin. */
struct range {
    _Atomic uintptr_t start;
    _Atomic uintptr_t end; /* 0: not filled yet */
};
static struct range libraries[LIBRARIES_MAX];
static _Atomic uint32_t library_count;

/* Our own, by the linker. */
extern const char own_start[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));
extern const char own_end[] __asm__("_end") __attribute__((visibility("hidden")));

bool next_is_vdi_library(const void *address)
{
    uintptr_t at = (uintptr_t)address;
    bool inside = false;
    for (size_t i = 0; i < LIBRARIES_MAX && !inside; i++) {
        inside = at < atomic_load_explicit(&libraries[i].end, memory_order_acquire) &&
                 at >= atomic_load_explicit(&libraries[i].start, memory_order_relaxed);
    }
    return inside;
}

bool next_is_library(const void *address)
{
    uintptr_t at = (uintptr_t)address;
    return (at >= (uintptr_t)own_start && at < (uintptr_t)own_end) || next_is_vdi_library(address);
}

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

/* What is remembered of a library must not be unloaded: when a plug-in that brought it is closed, nothing else
 * may hold it (RTLD_NODELETE outlives the handle). The program itself has no name to open, and stays anyway. */
static void pin(const char *path)
{
    void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (library != NULL) {
        dlclose(library);
    }
}

/* Remembers the range of the module that has the address. */
static int by_address(struct dl_phdr_info *info, size_t size, void *address)
{
    uintptr_t start = UINTPTR_MAX;
    uintptr_t end = 0;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD) {
            uintptr_t from = (uintptr_t)(info->dlpi_addr + part->p_vaddr);
            start = from < start ? from : start;
            end = from + part->p_memsz > end ? from + part->p_memsz : end;
        }
    }
    if ((uintptr_t)address < start || (uintptr_t)address >= end) {
        return 0;
    }
    uint32_t place = atomic_fetch_add(&library_count, 1);
    if (place < LIBRARIES_MAX) {
        atomic_store_explicit(&libraries[place].start, start, memory_order_relaxed);
        atomic_store_explicit(&libraries[place].end, end, memory_order_release);
    }
    return 1;
}

static void remember(enum next_function function, void *definition)
{
    Dl_info info;
    if (atomic_load_explicit(&next_found[function], memory_order_acquire) == definition) {
        return;
    }
    if (dladdr(definition, &info) != 0 && info.dli_fname != NULL && info.dli_fname[0] != '\0') {
        pin(info.dli_fname);
    }
    if (atomic_load(&library_count) < LIBRARIES_MAX && !next_is_library(definition)) {
        dl_iterate_phdr(by_address, definition);
    }
    atomic_store_explicit(&next_found[function], definition, memory_order_release);
}

static void *in_loaded_library(const char *symbol)
{
    char path[PATH_MAX];
    if (dl_iterate_phdr(by_name, path) == 0) {
        return NULL;
    }
    void *library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (library == NULL) {
        return NULL;
    }
    void *definition = next_dlsym()(library, symbol);
    dlclose(library); /* stays loaded all the same: RTLD_NODELETE */
    return definition;
}

void *next_find(enum next_function function)
{
    void *definition = NULL;
    int saved = errno;
    dlsym_function *lookup = next_dlsym();
    if (lookup != NULL) {
        definition = lookup(RTLD_NEXT, table[function].symbol);
        if (definition == NULL || definition == table[function].wrapper) {
            definition = in_loaded_library(table[function].symbol);
        }
    }
    if (definition != NULL) {
        remember(function, definition);
    }
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
        remember((enum next_function)function, found);
    }
}
