/* plugin_loader.c - a program whose VDI client is a plug-in: plugin_loader local|deepbind ARGUMENTS OF THE CLIENT */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    int flags = RTLD_NOW | RTLD_LOCAL;
    if (argc > 1 && strcmp(argv[1], "deepbind") == 0) {
        flags |= RTLD_DEEPBIND;
    }
    void *plugin = dlopen(PLUGIN, flags);
    int (*client)(int, char **) = NULL;
    if (plugin != NULL) {
        *(void **)&client = dlsym(plugin, "plugin_main");
    }
    if (client == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 3;
    }
    return client(argc - 1, argv + 1);
}
