/* harness.c - see harness.h. */
#include "harness.h"

#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "request.h"

static void take(void *context, const struct event *event, const char *text)
{
    struct harness *harness = context;
    assert_true(harness->count < HARNESS_EVENTS_MAX);
    struct harness_event *entry = &harness->events[harness->count++];
    entry->event = *event;
    snprintf(entry->text, sizeof(entry->text), "%.127s", text);
}

static int by_sequence(const void *a, const void *b)
{
    uint64_t left = ((const struct harness_event *)a)->event.sequence;
    uint64_t right = ((const struct harness_event *)b)->event.sequence;
    return left < right ? -1 : left > right;
}

static void write_log(struct harness *harness)
{
    size_t used = 0;
    for (size_t i = 0; i < harness->count && used < sizeof(harness->log) - 64; i++) {
        const struct event *event = &harness->events[i].event;
        char *text = harness->log + used;
        size_t room = sizeof(harness->log) - used;
        const char *space = used == 0 ? "" : " ";
        if (event->kind == EVENT_FAULT) {
            used += (size_t)snprintf(text, room, "%sfault%d", space, (int)event->arg[0]);
        } else if (event->kind == EVENT_CALL_END) {
            char device[8] = "";
            if (event->device >= 0) {
                snprintf(device, sizeof(device), ":%d", event->device);
            }
            used += (size_t)snprintf(
                text, room, "%s%s%s%s=%s%s%s", space, event->flags & EVENT_FLAG_BY_FAULT ? "*" : "",
                vdi_function_names[event->function], device, vdi_result_name(event->result),
                event->flags & EVENT_FLAG_FAULTED ? "!" : "",
                event->flags & EVENT_FLAG_WAITED_FOR_FAULT ? "~" : "");
        }
    }
}

void harness_start(struct harness *harness, const char *faults)
{
    memset(harness, 0, sizeof(*harness));
    harness->events = calloc(HARNESS_EVENTS_MAX, sizeof(*harness->events));
    assert_non_null(harness->events);
    snprintf(harness->folder, sizeof(harness->folder), "/tmp/vdifault-inject-XXXXXX");
    assert_non_null(mkdtemp(harness->folder));
    assert_int_equal(run_state_create(harness->folder), 0);
    assert_int_equal(run_state_map(harness->folder, &harness->state), 0);
    if (faults != NULL) {
        char path[96];
        snprintf(path, sizeof(path), "%s/plan", harness->folder);
        FILE *plan = fopen(path, "w");
        assert_non_null(plan);
        fputs(faults, plan);
        fclose(plan);
    }
}

static void exec_client(const struct harness *harness, const char *client, const char *verbs)
{
    char path[128];
    char words[1024];
    char *argv[80] = {(char *)client};
    size_t count = 1;
    snprintf(words, sizeof(words), "%s", verbs);
    /* '+' stands for a blank within a word. */
    for (char *word = strtok(words, " "); word != NULL && count < 79; word = strtok(NULL, " ")) {
        for (char *plus = word; (plus = strchr(plus, '+')) != NULL;) {
            *plus = ' ';
        }
        argv[count++] = word;
    }
    setenv("LD_PRELOAD", PRELOAD, 1);
    setenv("VDIFAULT_TRACE", harness->folder, 1);
    snprintf(path, sizeof(path), "%s/plan", harness->folder);
    if (access(path, R_OK) == 0) {
        setenv("VDIFAULT_PLAN", path, 1);
    }
    execv(client, argv);
    _exit(95);
}

void harness_client(struct harness *harness, const char *client, const char *verbs)
{
    int status = -1;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        exec_client(harness, client, verbs);
    }
    waitpid(child, &status, 0);
    harness->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void harness_finish(struct harness *harness, const char *client, const char *verbs)
{
    struct collector *collector = NULL;
    harness_client(harness, client, verbs);
    assert_int_equal(collector_open(harness->folder, harness->state, &collector), 0);
    collector_drain(collector, take, harness);
    assert_int_equal(collector_dropped(collector), 0);
    collector_close(collector);
    qsort(harness->events, harness->count, sizeof(*harness->events), by_sequence);
    write_log(harness);
}

void harness_run(struct harness *harness, const char *client, const char *faults, const char *verbs)
{
    harness_start(harness, faults);
    harness_finish(harness, client, verbs);
}

void harness_end(struct harness *harness)
{
    char command[128];
    munmap(harness->state, sizeof(*harness->state));
    free(harness->events);
    snprintf(command, sizeof(command), "rm -rf '%s'", harness->folder);
    assert_int_equal(system(command), 0);
}

const struct event *harness_find(const struct harness *harness, enum event_kind kind,
                                 enum vdi_function function, int nth)
{
    for (size_t i = 0; i < harness->count; i++) {
        const struct event *event = &harness->events[i].event;
        if (event->kind == kind && event->function == function && --nth == 0) {
            return event;
        }
    }
    return NULL;
}

static void play(const char *client, const struct scenario *scenario)
{
    struct harness h;
    setenv("FAKE_STRICT", "1", 1);
    harness_run(&h, client, scenario->faults, scenario->verbs);
    if (strcmp(h.log, scenario->log) != 0) {
        fail_msg("%s %s\n  gave     %s\n  expected %s", scenario->faults, scenario->verbs, h.log,
                 scenario->log);
    }
    assert_int_equal(h.exit_status, scenario->exit_status);
    assert_int_equal(atomic_load(&h.state->faults[0].fired), scenario->fired);
    harness_end(&h);
}

void harness_play(const char *client, const struct scenario *scenarios, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        play(client, &scenarios[i]);
    }
}

void *harness_take(void *context)
{
    struct run_state *state = context;
    for (;;) {
        uint32_t bell = atomic_load(&state->bell);
        if (run_take(&state->faults[0], (uint32_t)getpid())) {
            return NULL;
        }
        syscall(SYS_futex, &state->bell, FUTEX_WAIT, bell, NULL, NULL, 0);
    }
}

void *harness_answer(void *context)
{
    struct run_state *state = context;
    harness_take(state);
    run_answer(&state->faults[0]);
    return NULL;
}
