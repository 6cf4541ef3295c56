/* guard_options.c - how the guard was asked to work, and what it had to leave undone; see guard.h. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "guard_internal.h"
#include "inject.h"

#define WORDS_MAX 4

struct choice {
    const char *variable;
    const char *words[WORDS_MAX];
    int fallback;
    _Atomic int answer; /* one more than the word's index; 0: not read yet */
};

static struct choice mode = {
    .variable = "VDIFAULT_GUARD",
    .words = {[GUARD_OFF] = "off", [GUARD_AUTO] = "auto", [GUARD_PAGES] = "pages", [GUARD_COPY] = "copy"},
    .fallback = GUARD_AUTO};
static struct choice on_finding = {
    .variable = "VDIFAULT_ON_FINDING",
    .words = {[ON_FINDING_CONTINUE] = "continue", [ON_FINDING_STOP] = "stop", [ON_FINDING_ABORT] = "abort"},
    .fallback = ON_FINDING_CONTINUE};

/* What the runner checked; an unknown word of somebody without it counts as none. */
static int choose(struct choice *choice)
{
    int answer = atomic_load_explicit(&choice->answer, memory_order_relaxed);
    if (answer == 0) {
        const char *value = run_variable(choice->variable);
        answer = choice->fallback + 1;
        for (int i = 0; value != NULL && i < WORDS_MAX && choice->words[i] != NULL; i++) {
            answer = strcmp(value, choice->words[i]) == 0 ? i + 1 : answer;
        }
        atomic_store_explicit(&choice->answer, answer, memory_order_relaxed);
    }
    return answer - 1;
}

enum guard_mode guard_mode(void)
{
    return (enum guard_mode)choose(&mode);
}

enum guard_on_finding guard_on_finding(void)
{
    return (enum guard_on_finding)choose(&on_finding);
}

bool guard_protects(void)
{
    return guard_mode() != GUARD_OFF;
}

bool guard_is_needed_by_plan(void)
{
    const struct plan *plan = &inject_plan()->plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (fault_table[plan->faults[i].kind].effects & FAULT_NEEDS_GUARD) {
            return true;
        }
    }
    return false;
}

static const char *const sentences[GUARD_NOTES] = {
    [NOTE_NO_ADDRESSES] =
        "no address space is left for the guard: buffers and command blocks are not watched",
    [NOTE_NO_SLOT] = "a buffer that is too large, or one too many, for the guard: it is not watched",
    [NOTE_NO_ALIAS] = "the library's buffers cannot be mapped a second time: they are not watched",
    [NOTE_NO_PAGES] = "the process may have no more mappings: some buffers are not watched",
    [NOTE_SAMPLED] = ("a long run: of each device's commands every one of the first 4096 is watched, then "
                      "every 16th (--guard pages watches all)"),
};

bool guard_is_struck_by_plan(void)
{
    const struct plan *plan = &inject_plan()->plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (plan->faults[i].kind == FAULT_ABORT && plan->faults[i].arg[FAULT_ARG_AT] == FAULT_AT_TOUCH) {
            return true;
        }
    }
    return false;
}

void guard_say(enum guard_note note, int error)
{
    static _Atomic uint32_t said;
    char text[200];
    if ((atomic_fetch_or(&said, 1u << note) >> note & 1) != 0) {
        return;
    }
    struct event event = {.kind = EVENT_NOTE, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    event.arg[0] = NOTE_GUARD;
    snprintf(text, sizeof text, error == 0 ? "%s" : "%s (errno %d)", sentences[note], error);
    event_record(&event, text);
}
