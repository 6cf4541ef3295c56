/* symbols.c - libdw, offline: see symbols.h. */
#include "symbols.h"

#include <assert.h>
#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MODULES_MAX = 64,
    INLINED_MAX = 32, /* functions inlined at one place */
    DEPTH_MAX = 100   /* blocks within each other */
};

struct unit_range {
    Dwarf_Addr low, high;
    Dwarf_Die *unit;
};

struct module {
    char *path;
    Dwfl_Module *module; /* NULL: cannot be read */
    GElf_Addr bias;      /* address in Dwfl less address in the file */
    bool indexed;
    size_t range_count;
    struct unit_range *ranges; /* of its units, by address */
};

/* A place that was asked for, or one that it was inlined into. */
struct entry {
    struct symbols_place place;
    struct module *module;
    char *demangled;    /* backs place.function, or NULL */
    struct entry *next; /* of the same hash, or the caller's entry of an inlined place */
};

enum {
    ENTRY_LISTS = 4096
};

struct symbols {
    Dwfl *dwfl;
    void *cpp_runtime; /* NULL: not on this machine */
    char *(*demangler)(const char *, char *, size_t *, int *);
    uint32_t module_count;
    struct module modules[MODULES_MAX];
    struct entry *entries[ENTRY_LISTS]; /* by module and offset */
    struct entry *callers;              /* all entries of what places were inlined into */
};

/* Stands in when there is no memory for the real one. */
static const struct symbols_place unknown_place = {.module = "?"};

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
    /* The demangler is the C++ runtime's own: where there is a C++ client there is one. */
    symbols->cpp_runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_LOCAL);
    if (symbols->cpp_runtime) {
        *(void **)&symbols->demangler = dlsym(symbols->cpp_runtime, "__cxa_demangle");
    }
    return 0;
}

static void free_entries(struct entry *entry)
{
    while (entry) {
        struct entry *next = entry->next;

        free(entry->demangled);
        free(entry);
        entry = next;
    }
}

void symbols_free(struct symbols *symbols)
{
    if (!symbols) {
        return;
    }
    for (uint32_t i = 0; i < ENTRY_LISTS; i++) {
        free_entries(symbols->entries[i]);
    }
    free_entries(symbols->callers);
    for (uint32_t i = 0; i < symbols->module_count; i++) {
        free(symbols->modules[i].path);
        free(symbols->modules[i].ranges);
    }
    if (symbols->dwfl) {
        dwfl_end(symbols->dwfl);
    }
    if (symbols->cpp_runtime) {
        dlclose(symbols->cpp_runtime);
    }
    free(symbols);
}

/* The path comes out of a trace, which anybody may have written: opening a pipe or a device is no look at a file. */
static void open_module(struct symbols *symbols, struct module *module)
{
    struct stat file;

    if (!symbols->dwfl || stat(module->path, &file) != 0 || !S_ISREG(file.st_mode)) {
        return;
    }
    dwfl_report_begin_add(symbols->dwfl);
    module->module = dwfl_report_offline(symbols->dwfl, module->path, module->path, -1);
    dwfl_report_end(symbols->dwfl, NULL, NULL);
    if (module->module && !dwfl_module_getelf(module->module, &module->bias)) {
        module->module = NULL;
    }
}

static struct module *find_module(struct symbols *symbols, const char *path)
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

static int by_low(const void *left, const void *right)
{
    const struct unit_range *a = left, *b = right;

    return a->low < b->low ? -1 : a->low > b->low;
}

static void add_range(struct module *module, Dwarf_Addr low, Dwarf_Addr high, Dwarf_Die *unit)
{
    size_t count = module->range_count;

    if ((count & (count - 1)) == 0) { /* doubles at powers of two */
        struct unit_range *grown = realloc(module->ranges, (count ? 2 * count : 1) * sizeof *grown);

        if (!grown) {
            return;
        }
        module->ranges = grown;
    }
    module->ranges[module->range_count++] = (struct unit_range){.low = low, .high = high, .unit = unit};
}

/* Where there is no address table (clang writes none unless asked), one of our own: once. */
static void index_units(struct module *module)
{
    Dwarf_Addr bias, base, low, high;

    for (Dwarf_Die *unit = NULL; (unit = dwfl_module_nextcu(module->module, unit, &bias));) {
        for (ptrdiff_t at = 0; (at = dwarf_ranges(unit, at, &base, &low, &high)) > 0;) {
            add_range(module, low + bias, high + bias, unit);
        }
    }
    if (module->range_count) {
        qsort(module->ranges, module->range_count, sizeof module->ranges[0], by_low);
    }
    module->indexed = true;
}

/* The compilation unit that holds the address; *bias is what its addresses lack. */
static Dwarf_Die *find_unit(struct module *module, Dwarf_Addr address, Dwarf_Addr *bias)
{
    Dwarf_Die *unit = dwfl_module_addrdie(module->module, address, bias);
    size_t low = 0, high;

    if (unit) {
        return unit;
    }
    if (!module->indexed) {
        index_units(module);
    }
    high = module->range_count;
    while (low < high) { /* the last range that does not begin beyond the address */
        size_t middle = (low + high) / 2;

        if (module->ranges[middle].low <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || address >= module->ranges[low - 1].high || !dwfl_module_getdwarf(module->module, bias)) {
        return NULL;
    }
    return module->ranges[low - 1].unit;
}

/* "void ns::copy<int>(int*) const" to "void ns::copy<int>": the last pair of parentheses and what follows go. */
static void cut_parameters(char *name)
{
    char *end = strrchr(name, ')');
    int depth = 0;

    for (char *at = end; at && at > name; at--) {
        depth += *at == ')' ? 1 : *at == '(' ? -1 : 0;
        if (depth == 0) {
            *at = '\0';
            return;
        }
    }
}

char *symbols_demangle(const struct symbols *symbols, const char *name)
{
    int status;
    char *demangled = NULL;

    if (strncmp(name, "_Z", 2) == 0 && symbols->demangler) {
        demangled = symbols->demangler(name, NULL, NULL, &status);
    }
    if (demangled) {
        cut_parameters(demangled);
    }
    return demangled;
}

/* The name as it is written, if it is a C++ one; else as it is. */
static void set_function(struct symbols *symbols, struct entry *entry, const char *name)
{
    entry->demangled = name ? symbols_demangle(symbols, name) : NULL;
    entry->place.function = entry->demangled ? entry->demangled : name;
}

/* The linker's name where there is one, which tells the class, too. */
static const char *die_name(Dwarf_Die *die)
{
    Dwarf_Attribute attribute;
    const char *name = NULL;

    if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute)) {
        name = dwarf_formstring(&attribute);
    }
    return name ? name : dwarf_diename(die);
}

/* The entry of the function that `die`, inlined into it, was called from. NULL: no memory. */
static struct entry *add_caller(struct symbols *symbols, struct entry *inner, Dwarf_Die *unit, Dwarf_Die *die)
{
    struct entry *outer = calloc(1, sizeof *outer);
    Dwarf_Attribute attribute;
    Dwarf_Word file = 0, line = 0;
    Dwarf_Files *files;
    size_t count;

    if (!outer) {
        return NULL;
    }
    outer->place.module = inner->place.module;
    outer->place.offset = inner->place.offset;
    if (dwarf_formudata(dwarf_attr(die, DW_AT_call_file, &attribute), &file) == 0 &&
        dwarf_formudata(dwarf_attr(die, DW_AT_call_line, &attribute), &line) == 0 &&
        dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count) {
        outer->place.file = dwarf_filesrc(files, file, NULL, NULL);
        outer->place.line = (int)line;
    }
    outer->next = symbols->callers;
    symbols->callers = outer;
    inner->place.caller = &outer->place;
    return outer;
}

/* Functions around an address, the outermost first. */
struct chain {
    int count;
    Dwarf_Die at[INLINED_MAX];
};

static bool holds(Dwarf_Die *die, Dwarf_Addr address)
{
    int tag = dwarf_tag(die);

    return tag == DW_TAG_namespace || /* has no addresses of its own */
           ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
             tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
            dwarf_haspc(die, address) == 1);
}

/* Goes down to the innermost function, in the way libdw's own search would, but into what has the address only. */
static void descend(Dwarf_Die *parent, Dwarf_Addr address, int depth, struct chain *chain)
{
    Dwarf_Die die;
    int before = chain->count;

    for (int next = dwarf_child(parent, &die); next == 0 && depth < DEPTH_MAX && chain->count == before;
         next = dwarf_siblingof(&die, &die)) {
        int tag = dwarf_tag(&die);

        if (!holds(&die, address)) {
            continue;
        }
        if ((tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine) && chain->count < INLINED_MAX) {
            chain->at[chain->count++] = die;
        }
        descend(&die, address, depth + 1, chain);
        if (tag != DW_TAG_namespace) {
            return;
        }
    }
}

/* The functions around the address, from the innermost inlined one to the real one. */
static void find_functions(struct symbols *symbols, struct entry *entry, Dwarf_Die *unit, Dwarf_Addr address)
{
    struct chain chain = {0};
    struct entry *at = entry;

    descend(unit, address, 0, &chain);
    for (int i = chain.count; i-- > 0 && at;) {
        set_function(symbols, at, die_name(&chain.at[i]));
        if (dwarf_tag(&chain.at[i]) == DW_TAG_inlined_subroutine && i > 0) {
            at = add_caller(symbols, at, unit, &chain.at[i]);
        }
    }
}

static void fill(struct symbols *symbols, struct entry *entry)
{
    struct module *module = entry->module;
    Dwarf_Addr at, bias;
    Dwarf_Die *unit;
    Dwarf_Line *line;

    if (!module || !module->module) {
        return;
    }
    at = entry->place.offset + module->bias;
    unit = find_unit(module, at, &bias);
    if (unit) {
        find_functions(symbols, entry, unit, at - bias);
        line = dwarf_getsrc_die(unit, at - bias);
        if (line && dwarf_lineno(line, &entry->place.line) == 0 && entry->place.line > 0) {
            entry->place.file = dwarf_linesrc(line, NULL, NULL);
        }
    }
    if (!entry->place.function) {
        set_function(symbols, entry, dwfl_module_addrname(module->module, at));
    }
}

const struct symbols_place *symbols_find(struct symbols *symbols, const char *path, uint64_t base,
                                         uint64_t address)
{
    struct module *module = path ? find_module(symbols, path) : NULL;
    uint64_t offset = address - base;
    struct entry **list = &symbols->entries[(offset * 0x9e3779b97f4a7c15u >> 32) % ENTRY_LISTS];
    struct entry *entry = *list;

    while (entry && (entry->place.offset != offset || entry->module != module ||
                     strcmp(entry->place.module, path ? base_name(path) : "?") != 0)) {
        entry = entry->next;
    }
    if (!entry) {
        entry = calloc(1, sizeof *entry);
        if (!entry) {
            return &unknown_place;
        }
        *entry = (struct entry){.module = module, .next = *list};
        entry->place.offset = offset;
        entry->place.module = module ? base_name(module->path) : path ? base_name(path) : "?";
        *list = entry;
        fill(symbols, entry);
    }
    return &entry->place;
}

void symbols_format(const struct symbols_place *place, char *text, size_t size)
{
    if (place->file) {
        snprintf(text, size, "%s:%d %s", base_name(place->file), place->line,
                 place->function ? place->function : "?");
    } else if (place->function) {
        snprintf(text, size, "%s+0x%llx %s", place->module, (unsigned long long)place->offset,
                 place->function);
    } else {
        snprintf(text, size, "%s+0x%llx", place->module, (unsigned long long)place->offset);
    }
}
