/* exec_environment.c - see exec_environment.h. */
#include "exec_environment.h"

#include <string.h>

#include "runstate.h"

static const struct needed {
    const char *name;
    bool stand_in; /* the stand-in needs it, too */
} needed[] = {
    {"VDIFAULT_TRACE", true},
    {"VDIFAULT_PLAN", true},
    {"VDI_NAMESPACE", true},
    {"VDIFAULT_ANSWERS", true},
    {"VDI_DIALECT", false},
    {"VDIFAULT_SQLCMD", false},
    {"VDIFAULT_GUARD", false},
    {"VDIFAULT_ON_FINDING", false},
    {"VDIFAULT_LIBRARY", false},
    {"VDIFAULT_TDS", false},
    {"VDIFAULT_SERVER", false},
    /* A sanitizer's runtime expects to be loaded before us, unless it is told. */
    {"ASAN_OPTIONS", false},
    {"UBSAN_OPTIONS", false},
    {"TSAN_OPTIONS", false},
    {"LSAN_OPTIONS", false},
};

enum {
    NEEDED = sizeof needed / sizeof needed[0],
    LISTS = 3 /* LD_PRELOAD, LD_LIBRARY_PATH, PATH */
};

#define PRELOAD   "LD_PRELOAD"
#define LIBRARIES "LD_LIBRARY_PATH"
static const char separators[] = ": ";
static const char *const ours[] = {"libvdifault.so", "libvdifault-sys.so"};

static char *const nothing[] = {NULL};
/* Of a shell that has no PATH. */
static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct builder {
    char **list;
    size_t count;
    char *text; /* free from here on */
};

/* ---- lists in a variable ---- */

static bool is_ours(const char *path, size_t length)
{
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        size_t name = strlen(ours[i]);
        if (length >= name && memcmp(path + length - name, ours[i], name) == 0 &&
            (length == name || path[length - name - 1] == '/')) {
            return true;
        }
    }
    return false;
}

static bool has_ours(const char *value)
{
    for (const char *at = value; *at != '\0'; at += strspn(at, separators)) {
        size_t length = strcspn(at, separators);
        if (is_ours(at, length)) {
            return true;
        }
        at += length;
    }
    return false;
}

static bool has_item(const char *value, const char *item, size_t item_length)
{
    for (const char *at = value; at != NULL && *at != '\0'; at += *at == ':') {
        size_t length = strcspn(at, ":");
        if (length == item_length && memcmp(at, item, length) == 0) {
            return true;
        }
        at += length;
    }
    return false;
}

static void put(struct builder *builder, const char *text, size_t length)
{
    memcpy(builder->text, text, length);
    builder->text += length;
}

/* ... after what is in the variable, which begins at `start`. */
static void put_item(struct builder *builder, const char *start, const char *item, size_t length)
{
    if (builder->text != start) {
        put(builder, ":", 1);
    }
    put(builder, item, length);
}

/* Items of the value that are ours, or those that are not. */
static void put_items(struct builder *builder, const char *start, const char *value, bool which)
{
    while (value != NULL && *value != '\0') {
        size_t length = strcspn(value, separators);
        if (length > 0 && is_ours(value, length) == which) {
            put_item(builder, start, value, length);
        }
        value += length + (value[length] != '\0');
    }
}

/* ---- entries ---- */

static const char *value_in(char *const envp[], const char *name, size_t *index)
{
    size_t length = strlen(name);
    for (size_t i = 0; envp[i] != NULL; i++) {
        if (strncmp(envp[i], name, length) == 0 && envp[i][length] == '=') {
            *index = i;
            return envp[i] + length + 1;
        }
    }
    return NULL;
}

/* "NAME=", in place of the entry of that index or as a further one. Returns where the value begins. */
static char *begin_entry(struct builder *builder, const char *name, size_t index)
{
    if (index == builder->count) {
        builder->list[++builder->count] = NULL;
    }
    builder->list[index] = builder->text;
    put(builder, name, strlen(name));
    put(builder, "=", 1);
    return builder->text;
}

static void end_entry(struct builder *builder)
{
    put(builder, "", 1);
}

static void complete_preload(struct builder *builder, bool stand_in)
{
    size_t index = builder->count;
    const char *value = value_in(builder->list, PRELOAD, &index);
    const char *at_start = run_variable_at_start(PRELOAD);
    bool wrapped = value != NULL && has_ours(value);
    if (wrapped != stand_in || (!stand_in && at_start == NULL)) {
        return;
    }
    const char *start = begin_entry(builder, PRELOAD, index);
    if (!stand_in) {
        put_items(builder, start, at_start, true);
    }
    put_items(builder, start, value, false);
    end_entry(builder);
}

/* An item that a list lacks, at its end or its beginning. */
static void add_item(struct builder *builder, const char *name, const char *item, size_t length, bool first)
{
    size_t index = builder->count;
    const char *value = value_in(builder->list, name, &index);
    if (has_item(value, item, length)) {
        return;
    }
    if (value == NULL && first) {
        value = default_path;
    }
    const char *start = begin_entry(builder, name, index);
    if (first) {
        put(builder, item, length);
    }
    if (value != NULL && value[0] != '\0') {
        put_item(builder, start, value, strlen(value));
    }
    if (!first) {
        put_item(builder, start, item, length);
    }
    end_entry(builder);
}

/* Where the run has its libsqlvdi.so searched for, if it is the run that does. */
static void complete_libraries(struct builder *builder)
{
    const char *library = run_variable("VDIFAULT_LIBRARY");
    const char *slash = library != NULL ? strrchr(library, '/') : NULL;
    size_t length = slash != NULL ? (size_t)(slash - library) : 0;
    if (length > 0 && has_item(run_variable_at_start(LIBRARIES), library, length)) {
        add_item(builder, LIBRARIES, library, length, false);
    }
}

/* The run's folder of the stand-in, beside that of VDIFAULT_TRACE: what a shell starts by name it looks for itself. */
static void complete_path(struct builder *builder)
{
    const char *trace = run_variable("VDIFAULT_TRACE");
    const char *path = run_variable_at_start("PATH");
    const char *slash = trace != NULL ? strrchr(trace, '/') : NULL;
    size_t length = path != NULL ? strcspn(path, ":") : 0;
    size_t folder = slash != NULL ? (size_t)(slash - trace) : length;
    if (folder < length && memcmp(path, trace, folder) == 0 && path[folder] == '/' &&
        length - folder == strlen("/bin")) {
        add_item(builder, "PATH", path, length, true);
    }
}

static void complete(struct builder *builder, const char *name)
{
    size_t index = builder->count;
    const char *value = run_variable(name);
    if (value == NULL || value_in(builder->list, name, &index) != NULL) {
        return;
    }
    begin_entry(builder, name, index);
    put(builder, value, strlen(value));
    end_entry(builder);
}

/* ---- the whole ---- */

static size_t length_of(const char *text)
{
    return text != NULL ? strlen(text) : 0;
}

struct exec_room exec_environment_room(char *const envp[])
{
    size_t index = 0;
    char *const *list = envp != NULL ? envp : nothing;
    struct exec_room room = {.entries = NEEDED + LISTS + 1};
    while (list[index] != NULL) {
        index++;
    }
    room.entries += index;
    for (size_t i = 0; i < NEEDED; i++) {
        room.bytes += strlen(needed[i].name) + length_of(run_variable(needed[i].name)) + 2;
    }
    room.bytes += sizeof PRELOAD + length_of(run_variable_at_start(PRELOAD)) +
                  length_of(value_in(list, PRELOAD, &index)) + 2;
    room.bytes += sizeof LIBRARIES + length_of(run_variable("VDIFAULT_LIBRARY")) +
                  length_of(value_in(list, LIBRARIES, &index)) + 2;
    room.bytes += sizeof "PATH" + length_of(run_variable_at_start("PATH")) +
                  length_of(value_in(list, "PATH", &index)) + sizeof default_path + 2;
    return room;
}

void exec_environment_fill(char *const envp[], bool stand_in, char **list, char *texts)
{
    struct builder builder = {.list = list, .text = texts};
    char *const *given = envp != NULL ? envp : nothing;
    do {
        list[builder.count] = given[builder.count];
    } while (given[builder.count++] != NULL);
    builder.count--;
    complete_preload(&builder, stand_in);
    if (!stand_in) {
        complete_libraries(&builder);
        complete_path(&builder);
    }
    for (size_t i = 0; i < NEEDED; i++) {
        if (!stand_in || needed[i].stand_in) {
            complete(&builder, needed[i].name);
        }
    }
}
