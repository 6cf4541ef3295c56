/* plan.c - parser and printer of plans. See plan.h for the grammar. */
#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "near.h"
#include "runstate.h"
#include "text_out.h"

enum {
    PLAN_LINE_MAX = 1024
};

__attribute__((format(printf, 3, 4))) static int fail(struct fault_error *error, size_t offset,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    error->offset = offset;
    return EINVAL;
}

void plan_init(struct plan *plan)
{
    *plan = (struct plan){.seed = PLAN_DEFAULT_SEED, .size = PLAN_DEFAULT_SIZE};
}

static int parse_number(const char *text, uint64_t *value, const char **end)
{
    if (*text < '0' || *text > '9') {
        return EINVAL; /* strtoull would take a sign and leading blanks */
    }
    char *stop = NULL;
    int saved = errno;
    errno = 0;
    *value = strtoull(text, &stop, 10);
    int status = errno != 0 ? EINVAL : 0;
    errno = saved;
    *end = stop;
    return status;
}

int plan_parse_size(const char *text, uint64_t *bytes)
{
    uint64_t value = 0;
    const char *end = text;
    if (parse_number(text, &value, &end) != 0) {
        return EINVAL;
    }
    static const char units[] = "KMG";
    unsigned shift = 0;
    if (*end != '\0') {
        const char *unit = strchr(units, *end & ~0x20); /* either case */
        if (unit == NULL || end[1] != '\0') {
            return EINVAL;
        }
        shift = 10 * (unsigned)(unit - units + 1);
    }
    if (value > UINT64_MAX >> shift) {
        return EINVAL;
    }
    *bytes = value << shift;
    return 0;
}

/* Each item parser gets the rest of its line, and where that starts in it. */
typedef int item_parser(const char *rest, size_t offset, struct plan *plan, struct fault_error *error);

static int parse_fault(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    struct fault fault;
    int status = fault_parse(rest, &fault, error);
    error->offset += offset;
    if (status != 0) {
        return status;
    }
    if (plan->fault_count == PLAN_FAULTS_MAX) {
        return fail(error, offset, "too many faults: expected at most %d", PLAN_FAULTS_MAX);
    }
    if (fault.site.nth == FAULT_NTH_NEXT && plan->fault_count == 0) {
        return fail(error, offset, "'#next' needs a fault before it, which must fire first");
    }
    plan->faults[plan->fault_count++] = fault;
    return 0;
}

static int parse_seed(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    const char *end = rest;
    if (parse_number(rest, &plan->seed, &end) != 0 || *end != '\0') {
        return fail(error, offset, "bad seed '%.60s': expected a number", rest);
    }
    return 0;
}

static int parse_size(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    if (plan_parse_size(rest, &plan->size) != 0 || plan->size == 0) {
        return fail(error, offset, "bad size '%.60s': expected bytes, such as 1048576, 64K, 8M or 1G", rest);
    }
    return 0;
}

static int parse_database(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    size_t name_length = strcspn(rest, "=");
    const char *path = rest + name_length + (rest[name_length] == '=');
    if (name_length == 0 || *path == '\0') {
        return fail(error, offset, "bad database '%.60s': expected NAME=FILE", rest);
    }
    if (name_length >= PLAN_NAME_MAX || strlen(path) >= PLAN_PATH_MAX) {
        return fail(error, offset,
                    "database '%.60s' is too long: expected a name of at most %d and a file of at "
                    "most %d bytes",
                    rest, PLAN_NAME_MAX - 1, PLAN_PATH_MAX - 1);
    }
    if (plan->database_count == PLAN_DATABASES_MAX) {
        return fail(error, offset, "too many databases: expected at most %d", PLAN_DATABASES_MAX);
    }
    struct plan_database *database = &plan->databases[plan->database_count];
    snprintf(database->name, sizeof(database->name), "%.*s", (int)name_length, rest);
    snprintf(database->path, sizeof(database->path), "%s", path);
    for (uint32_t i = 0; i < plan->database_count; i++) {
        if (strcasecmp(plan->databases[i].name, database->name) == 0) {
            return fail(error, offset, "database '%s' is given twice", database->name);
        }
    }
    plan->database_count++;
    return 0;
}

/* `words`: what says PLAN_YES, and what says PLAN_NO. */
static int parse_choice(const char *name, const char *const words[2], const char *rest, size_t offset,
                        enum plan_choice *choice, struct fault_error *error)
{
    for (int i = 0; i < 2; i++) {
        if (strcmp(rest, words[i]) == 0) {
            *choice = i == 0 ? PLAN_YES : PLAN_NO;
            return 0;
        }
    }
    return fail(error, offset, "bad %s '%.60s': expected '%s' or '%s'", name, rest, words[0], words[1]);
}

static const char *const clear_error_words[2] = {"always", "never"};
static const char *const yes_no_words[2] = {"yes", "no"};

static int parse_clear_error(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    return parse_choice("clear-error", clear_error_words, rest, offset, &plan->clear_error, error);
}

static int parse_late_buffers(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    return parse_choice("late-buffers", yes_no_words, rest, offset, &plan->late_buffers, error);
}

static int parse_complete(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    return parse_choice("complete", yes_no_words, rest, offset, &plan->complete, error);
}

static int parse_backed_up(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    return parse_choice("backed-up", yes_no_words, rest, offset, &plan->backed_up, error);
}

static int parse_probe(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    return parse_choice("probe", yes_no_words, rest, offset, &plan->probe, error);
}

static int parse_profile(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    int status = profile_parse(rest, &plan->profile, error);
    error->offset += offset;
    return status;
}

static int parse_recorded(const char *rest, size_t offset, struct plan *plan, struct fault_error *error)
{
    int status = profile_parse_recorded(rest, &plan->profile, error);
    error->offset += offset;
    return status;
}

struct item {
    const char *word;
    item_parser *parse; /* NULL: more words follow, from server_items */
};
static const struct item items[] = {{"fault", parse_fault}, {"server", NULL}, {"probe", parse_probe}};
static const struct item server_items[] = {
    {"seed", parse_seed},
    {"size", parse_size},
    {"database", parse_database},
    {"clear-error", parse_clear_error},
    {"late-buffers", parse_late_buffers},
    {"complete", parse_complete},
    {"backed-up", parse_backed_up},
    {"profile", parse_profile},
    {"recorded", parse_recorded},
};

static const struct item *find_item(const struct item *table, size_t count, const char *word, size_t length,
                                    char *hint, size_t hint_size)
{
    struct near_word near;
    near_start(&near, word, length);
    for (size_t i = 0; i < count; i++) {
        if (strlen(table[i].word) == length && memcmp(table[i].word, word, length) == 0) {
            return &table[i];
        }
        near_offer(&near, table[i].word);
    }
    near_text(&near, hint, hint_size);
    return NULL;
}

static int parse_item(char *line, struct plan *plan, struct fault_error *error)
{
    char *word = line + strspn(line, " \t");
    size_t length = strcspn(word, " \t");
    char hint[64];
    const struct item *item =
        find_item(items, sizeof(items) / sizeof(items[0]), word, length, hint, sizeof(hint));
    if (item == NULL) {
        return fail(error, (size_t)(word - line),
                    "unknown plan item '%.*s'%s (expected 'fault', 'server' or 'probe')",
                    (int)(length < 60 ? length : 60), word, hint);
    }
    word += length + strspn(word + length, " \t");
    if (item->parse == NULL) {
        length = strcspn(word, " \t");
        item = find_item(server_items, sizeof(server_items) / sizeof(server_items[0]), word, length, hint,
                         sizeof(hint));
        if (item == NULL) {
            return fail(
                error, (size_t)(word - line),
                "unknown server setting '%.*s'%s (expected 'seed', 'size', 'database', 'clear-error', "
                "'late-buffers', 'complete', 'backed-up', 'profile' or 'recorded')",
                (int)(length < 60 ? length : 60), word, hint);
        }
        word += length + strspn(word + length, " \t");
    }
    return item->parse(word, (size_t)(word - line), plan, error);
}

/* One line that need not be NUL-terminated. Blank lines and comments are nothing, however long. */
static int parse_line(const char *text, size_t length, struct plan *plan, struct fault_error *error)
{
    char line[PLAN_LINE_MAX];
    size_t first = 0;
    if (memchr(text, '\0', length) != NULL) {
        return fail(error, 0, "a NUL byte in the line: expected text");
    }
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL) {
        length--;
    }
    while (first < length && strchr(" \t", text[first]) != NULL) {
        first++;
    }
    if (first == length || text[first] == '#') {
        return 0;
    }
    if (length >= sizeof(line)) {
        return fail(error, 0, "line too long: expected at most %d bytes", PLAN_LINE_MAX - 1);
    }
    memcpy(line, text, length);
    line[length] = '\0';
    return parse_item(line, plan, error);
}

int plan_parse(const char *text, size_t length, struct plan *plan, struct fault_error *error, uint32_t *line)
{
    *error = (struct fault_error){0};
    *line = 0;
    int status = 0;
    for (size_t at = 0; at < length && status == 0;) {
        const char *newline = memchr(text + at, '\n', length - at);
        size_t line_length = newline != NULL ? (size_t)(newline - (text + at)) : length - at;
        (*line)++;
        status = parse_line(text + at, line_length, plan, error);
        at += line_length + 1;
    }
    return status;
}

int plan_parse_line(const char *text, struct plan *plan, struct fault_error *error)
{
    *error = (struct fault_error){0};
    size_t length = strlen(text);
    const char *newline = memchr(text, '\n', length);
    if (newline != NULL) {
        return fail(error, (size_t)(newline - text), "a line end within one plan item");
    }
    return parse_line(text, length, plan, error);
}

int plan_format(const struct plan *plan, char *text, size_t size)
{
    struct text_out out = {text, size, 0};
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        char fault[FAULT_TEXT_MAX];
        fault_format(&plan->faults[i], fault, sizeof(fault));
        text_put(&out, "fault %s\n", fault);
    }
    text_put(&out, "server seed %" PRIu64 "\nserver size %" PRIu64 "\n", plan->seed, plan->size);
    for (uint32_t i = 0; i < plan->database_count; i++) {
        text_put(&out, "server database %s=%s\n", plan->databases[i].name, plan->databases[i].path);
    }
    if (plan->clear_error != PLAN_UNSET) {
        text_put(&out, "server clear-error %s\n", clear_error_words[plan->clear_error == PLAN_NO]);
    }
    if (plan->late_buffers != PLAN_UNSET) {
        text_put(&out, "server late-buffers %s\n", yes_no_words[plan->late_buffers == PLAN_NO]);
    }
    if (plan->complete != PLAN_UNSET) {
        text_put(&out, "server complete %s\n", yes_no_words[plan->complete == PLAN_NO]);
    }
    if (plan->backed_up != PLAN_UNSET) {
        text_put(&out, "server backed-up %s\n", yes_no_words[plan->backed_up == PLAN_NO]);
    }
    profile_format(&plan->profile, &out);
    if (plan->probe != PLAN_UNSET) {
        text_put(&out, "probe %s\n", yes_no_words[plan->probe == PLAN_NO]);
    }
    return (int)out.used;
}

/* The process's plan: read once, by whoever asks first. */
static struct {
    pthread_once_t once;
    int status;
    uint32_t line;
    struct fault_error error;
    struct plan plan;
} loaded = {.once = PTHREAD_ONCE_INIT};

static void load(void)
{
    plan_init(&loaded.plan);
    const char *path = run_variable("VDIFAULT_PLAN");
    if (path == NULL) {
        return;
    }
    struct stat info;
    void *text = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &info) != 0) {
        loaded.status = errno;
    } else if (info.st_size > 0) {
        text = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        loaded.status = text == MAP_FAILED ? errno : 0;
    }
    if (loaded.status != 0) {
        fail(&loaded.error, 0, "cannot read the plan '%.150s': %s%s", path, strerror(loaded.status),
             loaded.status == EACCES ? " (is this another user than the one of vdifault? --as USER)" : "");
    } else if (text != NULL) {
        loaded.status = plan_parse(text, (size_t)info.st_size, &loaded.plan, &loaded.error, &loaded.line);
        munmap(text, (size_t)info.st_size);
    }
    if (file >= 0) {
        close(file);
    }
}

int plan_load(struct plan *plan, struct fault_error *error, uint32_t *line)
{
    int saved = errno;
    pthread_once(&loaded.once, load);
    *plan = loaded.plan;
    *error = loaded.error;
    *line = loaded.line;
    errno = saved;
    return loaded.status;
}
