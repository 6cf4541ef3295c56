/* late_library.c - runs demo_client.c, built as a plug-in that is not linked with libsqlvdi.so, with the library that is
 * where Microsoft's would be (or LATE_LIBRARY). Exit status 9: there is none. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *path = getenv("LATE_LIBRARY");
    void *library = dlopen(path != NULL ? path : "/opt/mssql/lib/libsqlvdi.so", RTLD_NOW | RTLD_GLOBAL);
    void *plugin = library != NULL ? dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL) : NULL;
    int (*run)(int, char **) = plugin != NULL ? (int (*)(int, char **))dlsym(plugin, "client_main") : NULL;
    if (run == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 9;
    }
    return run(argc, argv);
}
