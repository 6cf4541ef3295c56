/* trace_words.c - events in words, by kind; see trace_select.h. */
#include <inttypes.h>
#include <string.h>

#include "trace_select.h"

/* Words for one kind of event; `event` and `text` are its own. */
typedef void describe(const struct view *view, const struct event *event, const char *text,
                      char line[TRACE_LINE_MAX]);

/* One of a table of words; "?" where the number has none. */
static const char *word(const char *const *words, size_t count, int64_t number)
{
    return number >= 0 && (uint64_t)number < count && words[number] != NULL ? words[number] : "?";
}
#define WORD(words, number) word(words, sizeof words / sizeof words[0], number)

static void describe_text(const struct view *view, const struct event *event, const char *text,
                          char line[TRACE_LINE_MAX])
{
    (void)view;
    (void)event;
    snprintf(line, TRACE_LINE_MAX, "%s", text);
}

static void describe_configuration(const struct view *view, const struct event *event, const char *text,
                                   char line[TRACE_LINE_MAX])
{
    static const char *const fields[EVENT_CONFIG_WORDS] = {
        "deviceCount",    "features",      "prefixZoneSize", "alignment",  "softFileMarkBlockSize",
        "EOMWarningSize", "serverTimeOut", "blockSize",      "maxIODepth", "maxTransferSize",
        "bufferAreaSize"};
    size_t used = 0;
    (void)view;
    (void)text;
    line[0] = '\0';
    for (unsigned i = 0; i < EVENT_CONFIG_WORDS; i++) {
        uint32_t value = event_config_word(event, i);
        if (value != 0) {
            used += (size_t)snprintf(line + used, TRACE_LINE_MAX - used,
                                     i == 1 ? "%s%s 0x%" PRIx32 : "%s%s %" PRIu32, used > 0 ? ", " : "",
                                     fields[i], value);
        }
    }
}

static void describe_fault(const struct view *view, const struct event *event, const char *text,
                           char line[TRACE_LINE_MAX])
{
    const struct plan *plan = view->input->plan;
    char fault[FAULT_TEXT_MAX];
    (void)text;
    if (event->arg[0] >= 0 && event->arg[0] < plan->fault_count) {
        fault_format(&plan->faults[event->arg[0]], fault, sizeof fault);
        snprintf(line, TRACE_LINE_MAX, "%s fires", fault);
    } else {
        snprintf(line, TRACE_LINE_MAX, "fault %" PRId64 " of an unknown plan fires", event->arg[0]);
    }
}

static void describe_access(const struct view *view, const struct event *event, const char *text,
                            char line[TRACE_LINE_MAX])
{
    static const char *const what[] = {"?", "the buffer", "before the buffer", "beyond the buffer",
                                       "the command block"};
    static const char *const how[] = {"?", "reads", "writes"};
    static const char *const when[] = {"?", "while it is held", "after its completion", "after the abort",
                                       "after Close"};
    (void)view;
    snprintf(line, TRACE_LINE_MAX, "%s%sthe client %s %s %s, at offset %" PRId64 " of %" PRId64, text,
             text[0] != '\0' ? ": " : "", WORD(how, event->arg[1]), WORD(what, event->arg[0]),
             WORD(when, event->arg[2]), event->arg[3], event->arg[5]);
}

static void describe_file(const struct view *view, const struct event *event, const char *text,
                          char line[TRACE_LINE_MAX])
{
    static const char *const actions[] = {[FILE_OPEN] = "open",
                                          [FILE_WRITE] = "write",
                                          [FILE_TRUNCATE] = "truncate",
                                          [FILE_SYNC_BEGIN] = "sync begins",
                                          [FILE_SYNC_END] = "sync",
                                          [FILE_SYNC_ALL_END] = "sync all",
                                          [FILE_MAP] = "map",
                                          [FILE_RENAME] = "rename",
                                          [FILE_UNLINK] = "unlink",
                                          [FILE_CLOSE] = "close",
                                          [FILE_WRITE_SYNCED] = "durable write",
                                          [FILE_BUFFERED] = "buffered"};
    char numbers[160] = "", path[EVENT_TEXT_MAX + 4];
    const char *newline = strchr(text, '\n');
    (void)view;
    /* Two paths are told apart by a newline. */
    snprintf(path, sizeof path, newline != NULL ? "%.*s to %s" : "%.*s",
             newline != NULL ? (int)(newline - text) : (int)strlen(text), text,
             newline != NULL ? newline + 1 : "");
    size_t used = 0;
    if (event->arg[1] >= 0) {
        used +=
            (size_t)snprintf(numbers + used, sizeof numbers - used, " descriptor %" PRId64, event->arg[1]);
    }
    if (event->arg[2] != 0) {
        used += (size_t)snprintf(numbers + used, sizeof numbers - used, " file %" PRId64, event->arg[2]);
    }
    if (event->arg[0] == FILE_WRITE || event->arg[0] == FILE_WRITE_SYNCED) {
        used += (size_t)snprintf(numbers + used, sizeof numbers - used, " %" PRId64 " bytes at %" PRId64,
                                 event->arg[4], event->arg[3]);
    } else if (event->arg[0] == FILE_BUFFERED) {
        used += (size_t)snprintf(numbers + used, sizeof numbers - used, " %" PRId64 " bytes", event->arg[4]);
    }
    snprintf(line, TRACE_LINE_MAX, "%s%s%s%s -> %" PRId64, WORD(actions, event->arg[0]), numbers,
             path[0] != '\0' ? " " : "", path, event->arg[5]);
}

static void describe_statement_begin(const struct view *view, const struct event *event, const char *text,
                                     char line[TRACE_LINE_MAX])
{
    (void)view;
    snprintf(line, TRACE_LINE_MAX, "statement %" PRId64 " of %s: %s", event->arg[0],
             issuer_name((enum process_role)event->arg[1]), text);
}

static void describe_statement_device(const struct view *view, const struct event *event, const char *text,
                                      char line[TRACE_LINE_MAX])
{
    (void)view;
    snprintf(line, TRACE_LINE_MAX, "statement %" PRId64 ": device %" PRId64 " of %" PRId64 " is '%s'",
             event->arg[0], event->arg[1], event->arg[2], text);
}

static void describe_statement_open(const struct view *view, const struct event *event, const char *text,
                                    char line[TRACE_LINE_MAX])
{
    static const char *const what[] = {"?", "backup", "restore"};
    (void)view;
    snprintf(line, TRACE_LINE_MAX,
             "statement %" PRId64 " attaches: operation %" PRId32 ", %s of %s, %" PRId64 " devices",
             event->arg[0], event->operation, WORD(what, event->arg[2]), text, event->arg[1]);
}

static void describe_message(const struct view *view, const struct event *event, const char *text,
                             char line[TRACE_LINE_MAX])
{
    (void)view;
    snprintf(line, TRACE_LINE_MAX, "statement %" PRId64 ": message %" PRId64 ", severity %" PRId64 ": %s",
             event->arg[0], event->arg[1], event->arg[2], text);
}

static void describe_stream(const struct view *view, const struct event *event, const char *text,
                            char line[TRACE_LINE_MAX])
{
    (void)view;
    (void)text;
    snprintf(line, TRACE_LINE_MAX,
             "statement %" PRId64 ": %" PRId64 " bytes on the device, hash %016" PRIx64 ", Flush -> %" PRId64,
             event->arg[0], event->arg[1], (uint64_t)event->arg[2], event->arg[3]);
}

static void describe_statement_end(const struct view *view, const struct event *event, const char *text,
                                   char line[TRACE_LINE_MAX])
{
    static const char *const outcomes[] = {"?", "success", "failed", "aborted"};
    (void)view;
    (void)text;
    char log[64] = "";
    if (event->arg[5] != 0) {
        snprintf(log, sizeof log, ", log %" PRId64 " to %" PRId64, event->arg[4], event->arg[5]);
    } else if (event->arg[4] != 0) {
        snprintf(log, sizeof log, ", lacks log %" PRId64, event->arg[4]);
    }
    snprintf(line, TRACE_LINE_MAX, "statement %" PRId64 " ends: %s, %" PRId64 " bytes, hash %016" PRIx64 "%s",
             event->arg[0], WORD(outcomes, event->arg[1]), event->arg[2], (uint64_t)event->arg[3], log);
}

static void describe_wait(const struct view *view, const struct event *event, const char *text,
                          char line[TRACE_LINE_MAX])
{
    (void)view;
    (void)text;
    if (event->kind == EVENT_SERVER_RESUME) {
        snprintf(line, TRACE_LINE_MAX, "statement %" PRId64 " goes on", event->arg[0]);
    } else {
        snprintf(line, TRACE_LINE_MAX,
                 "statement %" PRId64 " waits for the client: %" PRId64 " commands outstanding",
                 event->arg[0], event->arg[1]);
    }
}

static void describe_exit(const struct view *view, const struct event *event, const char *text,
                          char line[TRACE_LINE_MAX])
{
    static const char *const roles[] = {"process",  "the client",   "--sql",
                                        "--verify", "a descendant", "the client, run again,"};
    uint32_t number = view_process_number(view, event->process);
    char which[64] = "";
    (void)text;
    if (number != 0) {
        snprintf(which, sizeof which, ", process %" PRIu32 ",", number);
    }
    if (event->arg[1] != 0) {
        snprintf(line, TRACE_LINE_MAX, "%s%s ended by signal %" PRId64 "%s", WORD(roles, event->arg[2]),
                 which, event->arg[1], event->arg[3] != 0 ? ", by vdifault" : "");
    } else {
        snprintf(line, TRACE_LINE_MAX, "%s%s exits with status %" PRId64, WORD(roles, event->arg[2]), which,
                 event->arg[0]);
    }
}

static void describe_hang(const struct view *view, const struct event *event, const char *text,
                          char line[TRACE_LINE_MAX])
{
    static const char *const reasons[] = {"?", "nobody can act", "no progress within --patience", "--timeout",
                                          "--timeout, while it made progress"};
    (void)view;
    snprintf(line, TRACE_LINE_MAX, "%s: %s", WORD(reasons, event->arg[0]), text);
}

static void describe_leftover(const struct view *view, const struct event *event, const char *text,
                              char line[TRACE_LINE_MAX])
{
    static const char *const kinds[] = {"?", "shared memory", "process"};
    (void)view;
    snprintf(line, TRACE_LINE_MAX, "%s left behind: %s", WORD(kinds, event->arg[0]), text);
}

static const struct {
    const char *name; /* in JSON lines */
    const char *mark; /* in the call column of the text; NULL: not for a person */
    describe *describe;
} kinds[EVENT_KIND_COUNT] = {
    [EVENT_CALL_BEGIN] = {"call-begin", NULL, NULL},
    [EVENT_CALL_END] = {"call-end", NULL, NULL},
    [EVENT_CONFIGURATION] = {"configuration", "config", describe_configuration},
    [EVENT_FAULT] = {"fault", "FAULT", describe_fault},
    [EVENT_MODULE] = {"module", NULL, NULL},
    [EVENT_STACK] = {"stack", NULL, NULL},
    [EVENT_ACCESS] = {"access", "ACCESS", describe_access},
    [EVENT_FILE] = {"file", "file", describe_file},
    [EVENT_NOTE] = {"note", "note", describe_text},
    [EVENT_STATEMENT_BEGIN] = {"statement-begin", "server", describe_statement_begin},
    [EVENT_STATEMENT_DEVICE] = {"statement-device", "server", describe_statement_device},
    [EVENT_STATEMENT_OPEN] = {"statement-open", "server", describe_statement_open},
    [EVENT_MESSAGE] = {"message", "server", describe_message},
    [EVENT_STREAM] = {"stream", "server", describe_stream},
    [EVENT_STATEMENT_END] = {"statement-end", "server", describe_statement_end},
    [EVENT_SERVER_WAIT] = {"server-wait", "server", describe_wait},
    [EVENT_SERVER_RESUME] = {"server-resume", "server", describe_wait},
    [EVENT_PROCESS_EXIT] = {"process-exit", "exit", describe_exit},
    [EVENT_HANG] = {"hang", "HANG", describe_hang},
    [EVENT_LEFTOVER] = {"leftover", "LEFT", describe_leftover},
    [EVENT_SANITIZER] = {"sanitizer", "SANITIZER", describe_text},
    [EVENT_REACH] = {"reach", NULL, NULL},
};

const char *trace_kind_name(uint8_t kind)
{
    const char *name = kind < EVENT_KIND_COUNT ? kinds[kind].name : NULL;
    return name != NULL ? name : "unknown";
}

const char *trace_side_name(uint8_t side)
{
    static const char *const sides[] = {"?", "client", "server", "supervisor"};
    return WORD(sides, side);
}

bool trace_describe(const struct view *view, const struct report_event *event, const char **mark,
                    char text[TRACE_LINE_MAX])
{
    uint8_t kind = event->event.kind;
    if (kind >= EVENT_KIND_COUNT || kinds[kind].describe == NULL) {
        return false;
    }
    *mark = kinds[kind].mark;
    kinds[kind].describe(view, &event->event, event->text != NULL ? event->text : "", text);
    return true;
}
