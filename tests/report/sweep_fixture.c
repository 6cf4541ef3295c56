/* sweep_fixture.c - see sweep_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "sweep_fixture.h"

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "sweep_calls.h"

enum {
    DEVICES = 4,
    TEXT = 160
};

const char sweep_hostile_text[] =
    "</script><script>window.broken=1</script><img src=x onerror=window.broken=1>'\"]]>&amp;<!--\x01\t\x7f"
    "\xe2\x80\xae\xc3\xa9\xf0\x9f\x98\x80%s%n";

/* ---- what is tried where ---- */

static const struct {
    const char *name;
    const char *sites; /* words; a site's name is one of them */
    const char *class;
    const char *arguments[3];
    int dead; /* one in so many never fires; 0: all do */
} kinds[] = {
    {"lost-close", "GetCommand", "field", {"", NULL}, 0},
    {"unknown-command", "GetCommand", "spec", {"(17)", NULL}, 5},
    {"early-close", "GetCommand CompleteCommand Write Flush", "spec", {"", NULL}, 0},
    {"abort", "Write Flush Complete", "spec", {"", "(by=client)", "(at=complete)"}, 0},
    {"premature-close", "GetCommand Write", "field", {"", NULL}, 0},
    {"error",
     "Create GetConfiguration OpenDevice GetCommand CompleteCommand",
     "spec",
     {"(VD_E_ABORT)", NULL},
     0},
    {"error-after", "GetCommand CompleteCommand", "spec", {"(VD_E_UNEXPECTED)", NULL}, 0},
    {"timeout", "GetConfiguration GetCommand", "spec", {"", NULL}, 0},
    {"io-error", "Write Flush", "spec", {"", NULL}, 0},
    {"extra-flush", "Flush", "field", {"", NULL}, 0},
    {"server-crash", "OpenDevice GetCommand Write Flush Complete", "field", {"", NULL}, 0},
    {"server-hang", "GetCommand Write", "field", {"", NULL}, 0},
    {"sink-error", "Write Flush Close", "spec", {"(ENOSPC)", "(EIO)", NULL}, 0},
    {"short-write", "Write", "spec", {"", NULL}, 0},
    {"client-crash", "GetCommand Write", "field", {"", NULL}, 0},
    {"delay", "GetConfiguration GetCommand CompleteCommand Close", "spec", {"(2000)", NULL}, 0},
};
enum {
    KINDS = sizeof kinds / sizeof kinds[0]
};

/* A site: the n-th arrival at a function or command. */
struct site {
    const char *name;
    int nth, device; /* device -1: none */
    bool is_command;
};

enum {
    FEW_SITES = 12,
    MANY_SITES = 400
};

/* More runs: a longer backup, hence more Writes. */
static size_t make_sites(struct site *sites, size_t runs)
{
    size_t count = 0;
    int writes = runs < 500 ? FEW_SITES : MANY_SITES;
    static const char *const once[] = {"Create", "GetConfiguration"};
    static const char *const per_device[] = {"OpenDevice", "GetCommand", "CompleteCommand"};
    static const char *const commands[] = {"Flush", "Complete"};

    for (size_t i = 0; i < 2; i++) {
        sites[count++] = (struct site){once[i], 1, -1, false};
    }
    for (size_t i = 0; i < 3; i++) {
        for (int device = 0; device < DEVICES; device++) {
            sites[count++] = (struct site){per_device[i], 1, device, false};
        }
    }
    for (int i = 0; i < writes; i++) {
        sites[count++] = (struct site){"Write", 1 + i / DEVICES, i % DEVICES, true};
    }
    for (size_t i = 0; i < 2; i++) {
        for (int device = 0; device < DEVICES; device++) {
            sites[count++] = (struct site){commands[i], 1, device, true};
        }
    }
    sites[count++] = (struct site){"Close", 1, -1, false};
    return count;
}

static bool is_legal(const char *words, const char *name)
{
    const char *at = strstr(words, name);
    size_t length = strlen(name);

    return at && (at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0');
}

/* ---- the bugs of this client ---- */

static const struct bug {
    const char *kind, *site;
    const char *rule, *severity, *function, *message, *says, *durable, *assumption;
    const char *frames[4];
} bugs[] = {
    {"lost-close",
     "GetCommand",
     "VDI-OUT-002",
     "error",
     "GetCommand",
     "the client hangs, every thread waits for what cannot come; it has been inside GetCommand (device 0) "
     "for 30.0 s",
     "failure",
     "yes",
     "documented",
     {"device_loop.c:118 serve_device", "device_loop.c:204 device_thread", "backup_main.c:77 run_backup",
      NULL}},
    {"early-close",
     "Write",
     "VDI-CLOSE-001",
     "error",
     "Close",
     "Close was called while device 2 was still open and no SignalAbort had been made",
     "failure",
     "no",
     "documented",
     {"session.cpp:311 vdi::Session::close(bool)", "session.cpp:288 vdi::Session::~Session()",
      "backup_main.c:91 main", NULL}},
    {"abort",
     "Write",
     "VDI-ABORT-002",
     "warning",
     "CompleteCommand",
     "65536 bytes of the buffer of Write 3 (device 1) were read 1.8 ms after GetCommand had given VD_E_ABORT",
     "failure",
     "no",
     "derived",
     {"sink_async.c:64 flush_block", "sink_async.c:140 writer_thread", NULL, NULL}},
    {"sink-error",
     "Flush",
     "VDI-OUT-001",
     "error",
     "CompleteCommand",
     "the client says success (exit 0), but its own fsync of the stream had failed with ENOSPC",
     "success",
     "no",
     "ours",
     {"sink_file.c:203 sink_finish", "device_loop.c:133 serve_device", "backup_main.c:77 run_backup", NULL}},
    {"short-write",
     "Write",
     "VDI-OUT-007",
     "error",
     "CompleteCommand",
     "the stream was acknowledged and does not restore: 512 bytes of device 3 were never written",
     "success",
     "no",
     "documented",
     {"sink_file.c:88 sink_write", "device_loop.c:127 serve_device", NULL, NULL}},
    {"server-crash",
     "Flush",
     "VDI-OUT-004",
     "error",
     "Create",
     "a set is left behind: the process ended with the set of operation 0 neither closed nor destroyed",
     "failure",
     "no",
     "documented",
     {"libbackup.so+0x4a1f run_session", "backup_main.c:77 run_backup", NULL, NULL}},
    {"delay",
     "CompleteCommand",
     "VDI-GETCMD-003",
     "info",
     "GetCommand",
     "GetCommand was called with timeout 0 in a loop: 41 calls gave VD_E_TIMEOUT",
     "success",
     "yes",
     "ours",
     {"device_loop.c:118 serve_device", NULL, NULL, NULL}},
    {"io-error",
     "Write",
     "VDI-IO-001",
     "error",
     "GetCommand",
     "GetCommand was called while the Write of position 196608 (device 1) was not completed after an I/O "
     "error",
     "failure",
     "no",
     "documented",
     {"device_loop.c:118 serve_device", "device_loop.c:204 device_thread", NULL, NULL}},
};

/* Not every place shows a bug: a bit of its number decides, the same each time. */
static const struct bug *bug_at(const char *kind, const struct site *site)
{
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        if (strcmp(kind, bugs[i].kind) == 0 && strcmp(site->name, bugs[i].site) == 0 &&
            (site->nth * 7 + site->device) % 3 != 0) {
            return &bugs[i];
        }
    }
    return NULL;
}

static json_t *finding_of(const struct bug *bug, const struct site *site, const char *repeat)
{
    json_t *frames = json_array();
    char fingerprint[17];
    uint64_t hash = 1469598103934665603u;

    for (int i = 0; i < 4 && bug->frames[i]; i++) {
        json_array_append_new(frames, json_string(bug->frames[i]));
    }
    for (const char *at = bug->message; *at; at++) {
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    }
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)hash);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:i, s:i, s:i, s:i, s:s, s:s, s:o, s:s}", "rule",
                     bug->rule, "severity", bug->severity, "message", bug->message, "op", 0, "call",
                     20 + site->nth, "function", bug->function, "process", 1, "device",
                     site->device < 0 ? 0 : site->device, "thread", 2, "count", 1, "fingerprint", fingerprint,
                     "assumption", bug->assumption, "backtrace", frames, "repeat", repeat);
}

/* ---- a run ---- */

static json_t *operation_of(const struct bug *bug, bool hurt)
{
    json_t *messages =
        hurt ? json_pack("[{s:i, s:i, s:s}, {s:i, s:i, s:s}]", "number", 3202, "severity", 16, "text",
                         "Write on 'set-1' failed: 995(The I/O operation has been aborted.)", "number", 3013,
                         "severity", 16, "text", "BACKUP DATABASE is terminating abnormally.")
             : json_pack("[{s:i, s:i, s:s}]", "number", 3014, "severity", 10, "text",
                         "BACKUP DATABASE successfully processed 322 pages in 0.412 seconds.");

    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:o, s:s, s:i, s:s, s:s, s:s}", "id", 0, "set", "set-1",
                     "database", "sales", "statement",
                     "BACKUP DATABASE [sales] TO VIRTUAL_DEVICE='set-1' WITH BLOCKSIZE=65536", "issued_by",
                     "client", "messages", messages, "outcome", hurt ? "failed" : "success", "bytes",
                     hurt ? 1310720 : 2637824, "hash", "7f3c9a1e55d0b824", "client_says",
                     bug    ? bug->says
                     : hurt ? "failure"
                            : "success",
                     "durable",
                     bug    ? bug->durable
                     : hurt ? "no"
                            : "yes");
}

struct place {
    size_t id, kind;
    int argument;
    bool persistent;
    const struct site *site;
};

static void set_texts(json_t *run, const struct place *place, const char *fault, const char *site)
{
    char repeat[2 * TEXT];
    const struct bug *bug = bug_at(kinds[place->kind].name, place->site);

    snprintf(repeat, sizeof repeat,
             "vdifault run --seed 1 --fault '%s' -- ./acme-backup --devices 4 --to {run}/sales", fault);
    json_object_set_new(run, "faults", json_pack("[{s:s, s:i}]", "fault", fault, "fired", 1));
    json_object_set_new(run, "key", json_string(fault));
    json_object_set_new(run, "site", json_string(site));
    json_object_set_new(run, "repeat", json_string(repeat));
    json_object_set_new(run, "findings",
                        bug ? json_pack("[o]", finding_of(bug, place->site, repeat)) : json_array());
}

static json_t *run_of(const struct place *place, bool first_of_kind)
{
    const struct site *site = place->site;
    const char *kind = kinds[place->kind].name;
    const struct bug *bug = bug_at(kind, site);
    bool vacuous = kinds[place->kind].dead && place->id % (size_t)kinds[place->kind].dead == 0;
    bool hurt = strcmp(kind, "delay") != 0 && strcmp(kind, "lost-close") != 0 &&
                strcmp(kind, "extra-flush") != 0 && strcmp(kind, "sink-error") != 0 &&
                strcmp(kind, "short-write") != 0;
    bool violated = bug && strcmp(bug->severity, "error") == 0;
    char fault[TEXT], where[TEXT / 2], device[16] = "";
    json_t *run;

    if (site->device >= 0) {
        snprintf(device, sizeof device, ":%d", site->device);
    }
    snprintf(where, sizeof where, "%s#%d%s%s", site->name, site->nth, place->persistent ? "+" : "", device);
    snprintf(fault, sizeof fault, "%s%s@%s", kind, kinds[place->kind].arguments[place->argument], where);
    run = json_pack(
        "{s:i, s:I, s:s, s:s, s:s, s:b, s:n, s:n, s:o, s:n, s:[o], s:{s:[s, s, s], s:i, s:n, s:b, s:i}}",
        "schema", 1, "id", (json_int_t)place->id, "outcome", violated ? "findings" : "clean", "fault", kind,
        "class", kinds[place->kind].class, "persistent", place->persistent, "dialect", "server", "vacuous",
        vacuous ? json_string("GetCommand was never called a second time on this device") : json_null(),
        "again", "operations", operation_of(bug, hurt), "client", "argv", "./acme-backup", "--devices", "4",
        "exit",
        bug && strcmp(bug->says, "success") == 0 ? 0
        : hurt                                   ? 1
                                                 : 0,
        "signal", "timed_out", 0, "wall_ms", (int)(12 + place->id % 9));
    assert_non_null(run);
    set_texts(run, place, fault, where);
    if (bug || vacuous || first_of_kind) {
        json_object_set_new(run, "calls",
                            sweep_calls(kind, site->name, site->nth, site->device, bug ? bug->rule : NULL));
    }
    return run;
}

static void add_runs(json_t *list, const struct site *sites, size_t count, size_t runs)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        bool first = true;

        for (size_t site = 0; site < count; site++) {
            for (int argument = 0; argument < 3 && kinds[kind].arguments[argument]; argument++) {
                for (int persistent = 0; persistent < 2; persistent++) {
                    struct place place = {json_array_size(list), kind, argument, persistent != 0,
                                          &sites[site]};

                    if (json_array_size(list) < runs && is_legal(kinds[kind].sites, sites[site].name)) {
                        json_array_append_new(list, run_of(&place, first));
                        first = false;
                    }
                }
            }
        }
    }
}

static json_t *sites_value(const struct site *sites, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:i, s:i, s:i, s:b}", "name", sites[i].name, "kind",
                            sites[i].is_command ? "command" : "function", "device",
                            sites[i].device < 0 ? json_null() : json_integer(sites[i].device), "op", 0,
                            "arrivals", 1, "stacks", 1, "unsteady", strcmp(sites[i].name, "Flush") == 0));
    }
    return list;
}

/* What a sweep knows of its findings beside the runs'. */
static void grade(json_t *sweep)
{
    json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(sweep, "findings"), i, finding)
    {
        const char *rule = results_text(finding, "rule");
        char plan[64];

        snprintf(plan, sizeof plan, "%s.plan", rule);
        json_object_set_new(finding, "grade", json_string(i % 3 == 2 ? "7/10" : "10/10"));
        json_object_set_new(finding, "plan", json_string(plan));
        json_object_set_new(finding, "minimised", json_pack("[s]", "fault abort@Write#1:0"));
    }
}

static json_t *sweep_of(json_t *sites, json_t *runs)
{
    json_t *sweep = json_pack(
        "{s:i, s:s, s:{s:[s, s, s, s, s], s:n, s:n, s:b, s:i}, s:i, s:n, s:s, s:[], s:[], s:[], "
        "s:o, s:o, s:n}",
        "schema", 1, "outcome", "clean", "client", "argv", "./acme-backup", "--devices", "4", "--to",
        "{run}/sales", "exit", "signal", "timed_out", 0, "wall_ms", 48211, "seed", 1, "shard", "vdifault",
        "0.1.0", "operations", "faults", "findings", "sites", sites, "runs", runs, "coverage");

    assert_non_null(sweep);
    assert_int_equal(results_conclude(sweep), 0);
    grade(sweep);
    return sweep;
}

json_t *sweep_fixture(size_t runs)
{
    struct site sites[MANY_SITES + 64];
    size_t count = make_sites(sites, runs);
    json_t *list = json_array();

    add_runs(list, sites, count, runs);
    return sweep_of(sites_value(sites, count), list);
}

json_t *sweep_fixture_shard(const json_t *sweep, size_t index, size_t count)
{
    json_t *shard = json_deep_copy(sweep), *runs = json_array(), *run;
    size_t i;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        if (i % count == index - 1) {
            json_array_append(runs, run);
        }
    }
    json_object_set_new(shard, "runs", runs);
    json_object_set_new(shard, "shard", json_pack("{s:i, s:i}", "index", (int)index, "count", (int)count));
    assert_int_equal(results_conclude(shard), 0);
    return shard;
}

/* ---- hostile ---- */

/* Every string of the value, keys aside, but for the few words that are no free text. */
static json_t *poisoned(const json_t *value)
{
    json_t *copy, *member;
    const char *key;
    size_t i;

    if (json_is_string(value)) {
        return json_sprintf("%s%s", json_string_value(value), sweep_hostile_text);
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, member)
        {
            json_array_append_new(copy, poisoned(member));
        }
        return copy;
    }
    if (!json_is_object(value)) {
        return json_deep_copy(value);
    }
    copy = json_object();
    json_object_foreach((json_t *)value, key, member)
    {
        bool word = strcmp(key, "outcome") == 0 || strcmp(key, "severity") == 0 || strcmp(key, "side") == 0;

        json_object_set_new(copy, key, word ? json_deep_copy(member) : poisoned(member));
    }
    return copy;
}

json_t *sweep_fixture_hostile(void)
{
    json_t *sweep = sweep_fixture(60), *hostile = poisoned(sweep);

    json_decref(sweep);
    return hostile;
}
