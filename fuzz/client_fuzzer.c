/* client_fuzzer.c - a client of VDI in the simulation (vdifault.h): bytes to a plan, the plan to a session, a finding to a
 * crash. Part of the library that clients are linked with (fuzz/client); the bundled one is fuzz/clients/careful.c.
 *
 * Feedback beside the client's own code: which function gave which result after which, and which faults fired
 * (libFuzzer's extra counters).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "vdifault.h"
#include "world.h"

#pragma GCC visibility push(default)
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak)); /* unless the client has its own */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t most, unsigned seed);
#pragma GCC visibility pop

enum {
    COUNTERS = 4096
};
__attribute__((section("__libfuzzer_extra_counters"), used)) static uint8_t counters[COUNTERS];

static void count(uint64_t value)
{
    uint8_t *counter = &counters[value * UINT64_C(0x9e3779b97f4a7c15) >> 52];
    *counter = (uint8_t)(*counter + (*counter < UINT8_MAX ? 1 : 0));
}

static void count_session(const struct plan *plan, const struct verdict *verdict)
{
    uint64_t before = 0;
    for (size_t i = 0; i < run_event_count(); i++) {
        const struct event *event = &run_events()[i].event;
        if (event->kind == EVENT_CALL_END) {
            uint64_t now = (uint64_t)event->function << 32 | (uint32_t)event->result;
            count(now ^ before << 7);
            before = now;
        }
    }
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (verdict->fired[i] > 0) {
            count(UINT64_C(1) << 48 | (uint64_t)plan->faults[i].kind << 16 |
                  plan->faults[i].site.function << 8 | plan->faults[i].site.command);
        }
    }
}

/* --minimize and its kind are NAME_replay's; the engine would take no notice of them, and fuzz. With a sanitizer this
 * program shows what one without does not. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const own[] = {"--minimize", "--show", "--text"};
    for (int i = 1; i < *argc; i++) {
        for (size_t k = 0; k < sizeof own / sizeof own[0]; k++) {
            if (strcmp((*argv)[i], own[k]) == 0) {
                exit(vdifault_client_main(*argc, *argv));
            }
        }
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    struct fault_error error;
    struct verdict verdict;
    uint32_t line;
    if (input_read(data, size, &plan, &error, &line) != 0) {
        return -1;
    }
    world_run(&plan, &verdict, stderr, WORLD_REPORT_ERRORS);
    count_session(&plan, &verdict);
    if (verdict.rule[0] != '\0') {
        fprintf(stderr, "vdifault: %s %s: %s\n", verdict.rule, verdict.function, verdict.text);
        abort();
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    return input_mutate(data, size, most, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t most, unsigned seed)
{
    return input_cross(one, one_size, other, other_size, out, most, seed);
}
