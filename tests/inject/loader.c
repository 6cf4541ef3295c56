/* loader.c - runs the client of client.c as a plug-in loaded RTLD_LOCAL. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    int (*run)(int, char **) = plugin == NULL ? NULL : (int (*)(int, char **))dlsym(plugin, "client_main");
    if (run == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 98;
    }
    return run(argc, argv);
}
