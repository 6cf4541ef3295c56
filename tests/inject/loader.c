/* loader.c - runs the client of client.c as a plug-in loaded RTLD_LOCAL; with "twice" before its verbs, loads,
 * runs and unloads it two times, and where its library was there is nothing the second time. */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct range {
    char *start;
    size_t length;
};

static int find_library(struct dl_phdr_info *info, size_t size, void *context)
{
    struct range *range = context;
    (void)size;
    if (strstr(info->dlpi_name, "/libsqlvdi.so") == NULL) {
        return 0;
    }
    range->start = (char *)info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        size_t end = (size_t)(part->p_vaddr + part->p_memsz);
        range->length = part->p_type == PT_LOAD && end > range->length ? end : range->length;
    }
    return 1;
}

static int run_and_unload(int argc, char **argv)
{
    struct range range = {0};
    void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    int (*run)(int, char **) = plugin == NULL ? NULL : (int (*)(int, char **))dlsym(plugin, "client_main");
    int status = run == NULL ? 98 : run(argc, argv);
    dl_iterate_phdr(find_library, &range);
    if (plugin != NULL) {
        dlclose(plugin);
    }
    /* Takes what is free of the library's place: nothing may come back there. */
    for (size_t at = 0; at < range.length; at += 4096) {
        mmap(range.start + at, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    }
    return status;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "twice") == 0) {
        int status = run_and_unload(argc - 1, argv + 1);
        return status != 0 ? status : run_and_unload(argc - 1, argv + 1);
    }
    void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    int (*run)(int, char **) = plugin == NULL ? NULL : (int (*)(int, char **))dlsym(plugin, "client_main");
    if (run == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 98;
    }
    return run(argc, argv);
}
