/* bundle_facts.c - see bundle_facts.h. */
#define XXH_INLINE_ALL
#include "bundle_facts.h"

#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <xxhash.h>

#include "client_file.h"
#include "parts.h"
#include "results.h"

void facts_hash(const void *data, size_t size, char text[17])
{
    snprintf(text, 17, "%016" PRIx64, (uint64_t)XXH64(data, size, 0));
}

/* PRETTY_NAME of os-release; "" unknown. */
static void read_system(char *name, size_t size)
{
    FILE *file = fopen("/etc/os-release", "re");
    char line[256];

    name[0] = '\0';
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "PRETTY_NAME=\"", 13) == 0) {
            snprintf(name, size, "%.*s", (int)strcspn(line + 13, "\"\n"), line + 13);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

json_t *facts_machine(void)
{
    struct utsname kernel;
    char system[200];

    read_system(system, sizeof system);
    if (uname(&kernel) != 0) {
        return json_null();
    }
    return json_pack("{s:s, s:o, s:s, s:s, s:I, s:I}", "system", system, "kernel",
                     json_sprintf("%s %s %s", kernel.sysname, kernel.release, kernel.version), "machine",
                     kernel.machine, "glibc", gnu_get_libc_version(), "processors",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "page_size",
                     (json_int_t)sysconf(_SC_PAGESIZE));
}

/* ---- libraries ---- */

static json_t *file_value(const char *role, const char *path)
{
    FILE *file = fopen(path, "re");
    XXH64_state_t *state = XXH64_createState();
    json_t *value =
        json_pack("{s:s, s:s%, s:n, s:n}", "role", role, "path", path, strlen(path), "bytes", "xxh64");
    char buffer[16384], hash[17];
    json_int_t bytes = 0;
    size_t got;

    if (file != NULL && state != NULL && value != NULL) {
        XXH64_reset(state, 0);
        while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
            XXH64_update(state, buffer, got);
            bytes += (json_int_t)got;
        }
        if (!ferror(file)) {
            snprintf(hash, sizeof hash, "%016" PRIx64, (uint64_t)XXH64_digest(state));
            json_object_set_new(value, "bytes", json_integer(bytes));
            json_object_set_new(value, "xxh64", json_string(hash));
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    XXH64_freeState(state);
    return value;
}

static void add_client(json_t *list, const json_t *report)
{
    const json_t *argv = json_object_get(json_object_get(report, "client"), "argv");
    const char *name = json_string_value(json_array_get(argv, 0));
    char why[512], path[RUN_PATH_MAX];
    struct client_file client;

    if (name == NULL || client_file_find(name, &client, why, sizeof why) != 0) {
        return;
    }
    json_array_append_new(list, file_value("client", client.path));
    if (client_file_find_vdi(&client, path)) {
        json_array_append_new(list, file_value("libsqlvdi.so that the client finds", path));
    }
}

json_t *facts_libraries(const json_t *report)
{
    json_t *list = json_array();
    struct parts *parts = malloc(sizeof *parts);
    const char *missing;

    if (parts != NULL && parts_find(parts, &missing) == 0) {
        json_array_append_new(list, file_value("libvdifault.so", parts->interposer));
        json_array_append_new(list, file_value("libvdifault-sys.so", parts->files));
        json_array_append_new(list, file_value("libsqlvdi.so of vdifault", parts->vdi_library));
    }
    add_client(list, report);
    free(parts);
    return list;
}
