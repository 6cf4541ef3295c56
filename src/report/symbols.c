/* symbols.c - libdw, offline: see symbols.h. */
#include "symbols.h"

#include <assert.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODULES_MAX = 64
};

struct module {
    char *path;
    Dwfl_Module *module; /* NULL: cannot be read */
    GElf_Addr bias;      /* address in Dwfl less address in the file */
};

struct symbols {
    Dwfl *dwfl;
    void *cpp_runtime; /* NULL: not on this machine */
    uint32_t module_count;
    struct module modules[MODULES_MAX];
};

static char *no_debuginfo_path;
static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &no_debuginfo_path,
};

int symbols_new(struct symbols **out)
{
    struct symbols *symbols = calloc(1, sizeof *symbols);

    assert(out);
    *out = symbols;
    if (!symbols) {
        return ENOMEM;
    }
    symbols->dwfl = dwfl_begin(&callbacks); /* NULL: everything is module+offset */
    symbols->cpp_runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
    return 0;
}

void symbols_free(struct symbols *symbols)
{
    if (!symbols) {
        return;
    }
    for (uint32_t i = 0; i < symbols->module_count; i++) {
        free(symbols->modules[i].path);
    }
    if (symbols->dwfl) {
        dwfl_end(symbols->dwfl);
    }
    if (symbols->cpp_runtime) {
        dlclose(symbols->cpp_runtime);
    }
    free(symbols);
}

static void open_module(struct symbols *symbols, struct module *module)
{
    if (!symbols->dwfl) {
        return;
    }
    dwfl_report_begin_add(symbols->dwfl);
    module->module = dwfl_report_offline(symbols->dwfl, module->path, module->path, -1);
    dwfl_report_end(symbols->dwfl, NULL, NULL);
    if (module->module && !dwfl_module_getelf(module->module, &module->bias)) {
        module->module = NULL;
    }
}

static const struct module *find_module(struct symbols *symbols, const char *path)
{
    struct module *module;

    for (uint32_t i = 0; i < symbols->module_count; i++) {
        if (strcmp(symbols->modules[i].path, path) == 0) {
            return &symbols->modules[i];
        }
    }
    if (symbols->module_count == MODULES_MAX) {
        return NULL;
    }
    module = &symbols->modules[symbols->module_count];
    module->path = strdup(path);
    if (!module->path) {
        return NULL;
    }
    symbols->module_count++;
    open_module(symbols, module);
    return module;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* The compilation unit that holds the address; *bias is what its addresses lack. Units are searched one by
 * one where there is no address table: clang writes none unless asked. */
static Dwarf_Die *find_unit(Dwfl_Module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(module, address, bias);

    for (Dwarf_Die *next = NULL; !unit && (next = dwfl_module_nextcu(module, next, bias));) {
        unit = dwarf_haspc(next, address - *bias) == 1 ? next : NULL;
    }
    return unit;
}

/* The source's name of the function around the address; symbol tables have only the linker's. */
static const char *function_name(Dwarf_Die *unit, Dwarf_Addr address)
{
    Dwarf_Die *scopes = NULL;
    int count = dwarf_getscopes(unit, address, &scopes);
    const char *name = NULL;

    for (int i = 0; i < count && !name; i++) {
        if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram ||
            dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine) {
            name = dwarf_diename(&scopes[i]);
        }
    }
    free(scopes);
    return name;
}

struct place {
    const char *function; /* NULL unknown */
    const char *file;     /* NULL unknown */
    int line;
    uint64_t offset; /* in the module's file */
};

static struct place find_place(struct symbols *symbols, const char *path, uint64_t base, uint64_t address)
{
    struct place place = {.offset = address - base};
    const struct module *module = path ? find_module(symbols, path) : NULL;
    Dwarf_Addr at, bias;
    Dwarf_Die *unit;
    Dwarf_Line *line;

    if (!module || !module->module) {
        return place;
    }
    at = address - base + module->bias;
    unit = find_unit(module->module, at, &bias);
    if (unit) {
        place.function = function_name(unit, at - bias);
        line = dwarf_getsrc_die(unit, at - bias);
        if (line && dwarf_lineno(line, &place.line) == 0) {
            place.file = dwarf_linesrc(line, NULL, NULL);
        }
    }
    if (!place.function) {
        place.function = dwfl_module_addrname(module->module, at);
    }
    return place;
}

/* A C++ name as it is written, malloc'd; NULL if it is none. The demangler is the C++ runtime's own: where
 * there is a C++ client there is one. */
static char *demangle(const struct symbols *symbols, const char *name)
{
    char *(*demangler)(const char *, char *, size_t *, int *) = NULL;
    int status;

    if (!name || strncmp(name, "_Z", 2) != 0 || !symbols->cpp_runtime) {
        return NULL;
    }
    *(void **)&demangler = dlsym(symbols->cpp_runtime, "__cxa_demangle");
    return demangler ? demangler(name, NULL, NULL, &status) : NULL;
}

void symbols_describe(struct symbols *symbols, const char *module, uint64_t base, uint64_t address,
                      char *text, size_t size)
{
    struct place place = find_place(symbols, module, base, address);
    const char *name = module ? base_name(module) : "?";
    char *demangled = demangle(symbols, place.function);

    if (demangled) {
        place.function = demangled;
    }
    if (place.file) {
        snprintf(text, size, "%s:%d %s", base_name(place.file), place.line,
                 place.function ? place.function : "?");
    } else if (place.function) {
        snprintf(text, size, "%s+0x%llx %s", name, (unsigned long long)place.offset, place.function);
    } else {
        snprintf(text, size, "%s+0x%llx", name, (unsigned long long)place.offset);
    }
    free(demangled);
}

void symbols_stable_name(struct symbols *symbols, const char *module, uint64_t base, uint64_t address,
                         char *text, size_t size)
{
    struct place place = find_place(symbols, module, base, address);
    const char *name = module ? base_name(module) : "?";

    if (place.function) {
        snprintf(text, size, "%s %s", name, place.function);
    } else {
        snprintf(text, size, "%s+0x%llx", name, (unsigned long long)place.offset);
    }
}
