/* environment.c - environments as a list of rows to set, applied over the runner's own. */
#include "environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* How a row's value meets one that is there already. */
enum merge {
    MERGE_SET,
    MERGE_DEFAULT, /* what is there stays */
    MERGE_BEFORE,
    MERGE_AFTER,
    MERGE_REMOVE,
    MERGE_SANITIZER
};

#define FOR(kind) (1u << ENVIRONMENT_##kind)
enum {
    CLIENTS = FOR(CLIENT) | FOR(AGAIN),
    OBSERVED = FOR(RECORDED),
    STATEMENTS = FOR(SQL) | FOR(SQL_AGAIN),
    SERVERS = FOR(SERVER) | FOR(SERVER_VERIFY) | FOR(SERVER_AGAIN),
    WRAPPED = CLIENTS | FOR(VERIFY),
    IN_RUN = WRAPPED | STATEMENTS | SERVERS | FOR(JOB),
    COUNTED = WRAPPED | FOR(HELPER),
    EVERY = IN_RUN | FOR(HELPER)
};

enum source {
    SOURCE_TEXT,
    SOURCE_TOKEN,
    SOURCE_HELPERS,
    SOURCE_INTERPOSER,
    SOURCE_FILES,
    SOURCE_STAND_IN,
    SOURCE_LIBRARY,
    SOURCE_LIBRARIES,
    SOURCE_GUARD,
    SOURCE_ON_FINDING,
    SOURCE_COVERAGE, /* of `text`, with --coverage alone */
    SOURCE_CONTINUOUS,
    SOURCE_DISCARDED,
    SOURCE_PROFILE,
    SOURCE_TDS,
    SOURCE_SERVERS,
    SOURCE_ANSWERS
};

struct row {
    unsigned kinds;
    const char *name;
    enum merge merge;
    enum source source;
    const char *text; /* SOURCE_TEXT; {run} in it is the scratch folder itself */
};

static const struct row rows[] = {
    /* Behind the interposer, on whose functions it relies. */
    {WRAPPED, "LD_PRELOAD", MERGE_BEFORE, SOURCE_FILES, NULL},
    {WRAPPED | OBSERVED, "LD_PRELOAD", MERGE_BEFORE, SOURCE_INTERPOSER, NULL},
    {STATEMENTS | SERVERS, "LD_PRELOAD", MERGE_REMOVE, SOURCE_TEXT, NULL},
    {WRAPPED | FOR(HELPER) | FOR(JOB), "LD_LIBRARY_PATH", MERGE_AFTER, SOURCE_LIBRARIES, NULL},
    {WRAPPED | FOR(HELPER) | FOR(JOB), "PATH", MERGE_BEFORE, SOURCE_TEXT, "{run}/bin"},
    {WRAPPED, "VDIFAULT_SQLCMD", MERGE_SET, SOURCE_STAND_IN, NULL},
    {WRAPPED, "VDIFAULT_LIBRARY", MERGE_SET, SOURCE_LIBRARY, NULL},
    {WRAPPED | OBSERVED | FOR(HELPER) | FOR(JOB), "VDIFAULT_TDS", MERGE_SET, SOURCE_TDS, NULL},
    {WRAPPED | OBSERVED | FOR(HELPER) | FOR(JOB), "VDIFAULT_SERVER", MERGE_SET, SOURCE_SERVERS, NULL},
    {EVERY, "VDIFAULT_ANSWERS", MERGE_SET, SOURCE_ANSWERS, NULL},
    {WRAPPED | OBSERVED, "VDIFAULT_GUARD", MERGE_SET, SOURCE_GUARD, NULL},
    {WRAPPED, "VDIFAULT_ON_FINDING", MERGE_SET, SOURCE_ON_FINDING, NULL},
    {IN_RUN | OBSERVED, "VDIFAULT_TRACE", MERGE_SET, SOURCE_TEXT, "{run}/trace"},
    {FOR(CLIENT) | FOR(SQL) | FOR(SERVER) | FOR(JOB) | OBSERVED, "VDIFAULT_PLAN", MERGE_SET, SOURCE_TEXT,
     "{run}/plan"},
    {FOR(VERIFY) | FOR(AGAIN) | FOR(SQL_AGAIN) | FOR(SERVER_VERIFY) | FOR(SERVER_AGAIN) | FOR(HELPER),
     "VDIFAULT_PLAN", MERGE_SET, SOURCE_TEXT, "{run}/plan-verify"},
    {FOR(HELPER), "VDIFAULT_CATALOG", MERGE_SET, SOURCE_TEXT, "{run}/trace/catalog"},
    {IN_RUN, "VDIFAULT_CATALOG", MERGE_REMOVE, SOURCE_TEXT, NULL}, /* theirs is in VDIFAULT_TRACE */
    {CLIENTS | FOR(SERVER) | FOR(SERVER_AGAIN) | FOR(JOB) | OBSERVED, "VDIFAULT_ROLE", MERGE_REMOVE,
     SOURCE_TEXT, NULL},
    {STATEMENTS, "VDIFAULT_ROLE", MERGE_SET, SOURCE_TEXT, "sql"},
    {FOR(VERIFY) | FOR(SERVER_VERIFY), "VDIFAULT_ROLE", MERGE_SET, SOURCE_TEXT, "verify"},
    /* A real library has no use for it; where ours is in its place, its server must find the sets. */
    {OBSERVED, TOKEN_VARIABLE, MERGE_DEFAULT, SOURCE_TOKEN, NULL},
    {IN_RUN, TOKEN_VARIABLE, MERGE_SET, SOURCE_TOKEN, NULL},
    {IN_RUN, HELPER_VARIABLE, MERGE_REMOVE, SOURCE_TEXT, NULL},
    {FOR(HELPER), HELPER_VARIABLE, MERGE_SET, SOURCE_TOKEN, NULL},
    /* Not the client's, whose leftovers are told by it, nor everybody's: runs are made side by side. */
    {FOR(HELPER), TOKEN_VARIABLE, MERGE_SET, SOURCE_HELPERS, NULL},
    {EVERY, "TMPDIR", MERGE_SET, SOURCE_TEXT, "{run}/tmp"},
    /* A sanitizer's report goes to a file of the run. Its runtime expects to be loaded before anything
     * preloaded; the check is off, because our library needs nothing of it. */
    {WRAPPED, "ASAN_OPTIONS", MERGE_SANITIZER, SOURCE_TEXT,
     "verify_asan_link_order=0:log_path={run}/sanitizer/report"},
    {WRAPPED, "UBSAN_OPTIONS", MERGE_SANITIZER, SOURCE_TEXT, "log_path={run}/sanitizer/report"},
    {WRAPPED, "TSAN_OPTIONS", MERGE_SANITIZER, SOURCE_TEXT, "log_path={run}/sanitizer/report"},
    {WRAPPED, "LSAN_OPTIONS", MERGE_SANITIZER, SOURCE_TEXT, "log_path={run}/sanitizer/report"},
    /* Processes of a run add to one file of each program; with %c it is the memory of their counters. */
    {COUNTED, "LLVM_PROFILE_FILE", MERGE_SET, SOURCE_COVERAGE, "{run}/coverage/llvm/%m.profraw"},
    {COUNTED, "LLVM_PROFILE_FILE", MERGE_SET, SOURCE_CONTINUOUS, "{run}/coverage/llvm/%c%m.profraw"},
    {COUNTED, "GCOV_PREFIX", MERGE_SET, SOURCE_COVERAGE, "{run}/coverage/gcov"},
    {COUNTED, "GCOV_PREFIX_STRIP", MERGE_SET, SOURCE_COVERAGE, "0"},
    /* One file that all runs write would be a reason to make them one at a time. */
    {COUNTED, "LLVM_PROFILE_FILE", MERGE_DEFAULT, SOURCE_PROFILE, "{run}/counters/%p.profraw"},
    {COUNTED, "GCOV_PREFIX", MERGE_DEFAULT, SOURCE_DISCARDED, "{run}/counters"},
};

struct builder {
    char **list;
    size_t count;
    size_t capacity;
};

static int append(struct builder *builder, char *entry)
{
    if (entry == NULL) {
        return -1;
    }
    if (builder->count + 1 >= builder->capacity) {
        size_t capacity = builder->capacity == 0 ? 64 : builder->capacity * 2;
        char **list = realloc(builder->list, capacity * sizeof *list);
        if (list == NULL) {
            free(entry);
            return -1;
        }
        builder->list = list;
        builder->capacity = capacity;
    }
    builder->list[builder->count++] = entry;
    builder->list[builder->count] = NULL;
    return 0;
}

static size_t find(const struct builder *builder, const char *name)
{
    size_t length = strlen(name);
    size_t i = 0;
    while (i < builder->count &&
           (strncmp(builder->list[i], name, length) != 0 || builder->list[i][length] != '=')) {
        i++;
    }
    return i;
}

/* What a sanitizer reads last counts; a log_path of the user's own stays. */
static int format_sanitizer(char **entry, const char *name, const char *old, const char *value)
{
    const char *log = strstr(value, "log_path=");
    if (strstr(old, "log_path=") == NULL) {
        return asprintf(entry, "%s=%s%s%s", name, old, old[0] != '\0' ? ":" : "", value);
    }
    return asprintf(entry, "%s=%.*s%s", name, (int)(log - value), value, old);
}

static int format_entry(char **entry, const struct row *row, const char *old, const char *value)
{
    const char *between = old[0] != '\0' ? ":" : "";
    switch (row->merge) {
    case MERGE_BEFORE:
        return asprintf(entry, "%s=%s%s%s", row->name, value, between, old);
    case MERGE_AFTER:
        return asprintf(entry, "%s=%s%s%s", row->name, old, between, value);
    case MERGE_SANITIZER:
        return format_sanitizer(entry, row->name, old, value);
    default:
        return asprintf(entry, "%s=%s", row->name, value);
    }
}

static int apply(struct builder *builder, const struct row *row, const char *value)
{
    size_t at = find(builder, row->name);
    bool there = at < builder->count;
    if (row->merge == MERGE_DEFAULT && there) {
        return 0;
    }
    if (row->merge == MERGE_REMOVE) {
        if (there) {
            free(builder->list[at]);
            builder->list[at] = builder->list[--builder->count];
            builder->list[builder->count] = NULL;
        }
        return 0;
    }
    char *entry = NULL;
    const char *old = there ? builder->list[at] + strlen(row->name) + 1 : "";
    if (format_entry(&entry, row, old, value) < 0) {
        return -1;
    }
    if (!there) {
        return append(builder, entry);
    }
    free(builder->list[at]);
    builder->list[at] = entry;
    return 0;
}

/* The link in the scratch folder serves where the installed path cannot stand in a list. */
static const char *in_list(const char *path, const char *link)
{
    return strpbrk(path, PRELOAD_SEPARATORS) == NULL ? path : link;
}

static const char *given(const char *text)
{
    return text != NULL && text[0] != '\0' ? text : NULL;
}

/* A row that the options say nothing about is left out. */
static int apply_row(struct builder *builder, const struct row *row, const struct rundir *dir,
                     const struct parts *parts, const struct environment_choice *choice)
{
    char helpers[RUN_TOKEN_MAX + sizeof RUN_HELPER_SUFFIX];
    bool discards = choice->discard_counters && !choice->coverage;
    snprintf(helpers, sizeof helpers, "%s" RUN_HELPER_SUFFIX, dir->token);
    const char *const values[] = {
        [SOURCE_TEXT] = row->text,
        [SOURCE_TOKEN] = dir->token,
        [SOURCE_HELPERS] = helpers,
        [SOURCE_INTERPOSER] = in_list(parts->interposer, "{run}/bin/libvdifault.so"),
        [SOURCE_FILES] = in_list(parts->files, "{run}/bin/libvdifault-sys.so"),
        [SOURCE_STAND_IN] = parts->stand_in,
        [SOURCE_LIBRARY] = choice->library != NULL ? choice->library : parts->vdi_library,
        [SOURCE_LIBRARIES] = choice->library == NULL ? parts->library_folder : NULL,
        [SOURCE_GUARD] = choice->guard,
        [SOURCE_ON_FINDING] = choice->on_finding,
        [SOURCE_COVERAGE] = choice->coverage ? row->text : NULL,
        [SOURCE_CONTINUOUS] = choice->coverage && choice->continuous ? row->text : NULL,
        [SOURCE_DISCARDED] = discards ? row->text : NULL,
        [SOURCE_PROFILE] = discards && choice->is_profiled ? row->text : NULL,
        [SOURCE_TDS] = given(dir->tds),
        [SOURCE_SERVERS] = given(choice->servers),
        [SOURCE_ANSWERS] = given(choice->answers),
    };
    if (row->source >= SOURCE_LIBRARIES && values[row->source] == NULL) {
        return 0;
    }
    char *value = text_expand_run(values[row->source] != NULL ? values[row->source] : "", dir->path);
    int result = value != NULL ? apply(builder, row, value) : -1;
    free(value);
    return result;
}

char **environment_make(enum environment_kind kind, const struct rundir *dir, const struct parts *parts,
                        const struct environment_choice *choice, char *const *base)
{
    struct builder builder = {0};
    for (size_t i = 0; base[i] != NULL; i++) {
        if (append(&builder, rundir_expand(dir, base[i])) != 0) {
            goto fail;
        }
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool wanted = (rows[i].kinds & (1u << kind)) != 0;
        if (wanted && apply_row(&builder, &rows[i], dir, parts, choice) != 0) {
            goto fail;
        }
    }
    return builder.list;
fail:
    environment_free(builder.list);
    return NULL;
}

void environment_free(char **environment)
{
    for (size_t i = 0; environment != NULL && environment[i] != NULL; i++) {
        free(environment[i]);
    }
    free(environment);
}

char **environment_with(char *const *environment, char *entry)
{
    size_t count = 0;
    while (environment[count] != NULL) {
        count++;
    }
    char **list = calloc(count + 2, sizeof *list);
    if (list != NULL) {
        memcpy(list, environment, count * sizeof *list);
        list[count] = entry;
    }
    return list;
}
