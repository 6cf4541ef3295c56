/* The world of a scenario in shared memory: core, threads, futexes and /dev/shm are the real ones, time is not (turns.h).
 *
 * Both sides live in one process, each on its own mappings and threads: what a line does must be compared with what the
 * other side has in its hands. So nobody can be killed here, and a side's process never dies under the other: a scenario
 * that kills is the simulation's. A thread that does not return is left asleep, its set with it; whoever plays ends the
 * process and removes what it has in /dev/shm. One scenario a process. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "play.h"
#include "scenario_types.h"
#include "shared_event.h"
#include "turns.h"

enum {
    ACTORS = SCENARIO_PROCESS_COUNT * SCENARIO_THREADS_MAX
};
_Static_assert((int)ACTORS <= (int)TURNS_ACTORS_MAX, "an actor each");

enum {
    SETS_BYTES = 1 << 20 /* more than the sets of a scenario take without their buffers */
};
static uint64_t room; /* that /dev/shm had when the scenario began */

/* No limit of its own is one that is not known. */
static uint64_t measure_room(void)
{
    struct statvfs info;
    bool limited = statvfs("/dev/shm", &info) == 0 && info.f_blocks != 0;
    return limited ? (uint64_t)info.f_bavail * info.f_frsize : UINT64_MAX;
}

static bool has_room(uint64_t bytes)
{
    return room >= SETS_BYTES && bytes <= room - SETS_BYTES;
}

static void begin(const struct scenario *scenario)
{
    (void)scenario;
    room = measure_room();
    event_set_spinning(false); /* whoever spins has the turn, and nobody else could do what he looks for */
    turns_begin();
}

/* Calls are their thread's. */
static void become(enum scenario_process process)
{
    (void)process;
}

static void call(uint8_t who, void (*make)(void *context), void *context)
{
    turns_call(who, make, context);
}

static void explain(uint8_t who, char *text, size_t size)
{
    char what[128];
    turns_explain(who, what, sizeof what);
    snprintf(text, size, "thread %u of %s %s", (unsigned)scenario_actor_thread(who) + 1,
             scenario_process_names[scenario_actor_process(who)], what);
}

/* Only after a deviation: who is inside stays there. */
static void kill_process(enum scenario_process process)
{
    (void)process;
}

static bool end(char *text, size_t size)
{
    char prefix[64];
    uint32_t left = 0;
    const char *space = getenv("VDI_NAMESPACE");
    DIR *folder = opendir("/dev/shm");
    int length = snprintf(prefix, sizeof prefix, "vdifault-%s-", space != NULL ? space : "0");
    for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, prefix, (size_t)length) == 0) {
            snprintf(text, size, "%u names of shared memory are left, %s among them", ++left, entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return left == 0;
}

const struct play_host play_in_shared_memory = {.begin = begin,
                                                .become = become,
                                                .call = call,
                                                .go_on = turns_go_on,
                                                .explain = explain,
                                                .kill = kill_process,
                                                .end = end,
                                                .has_room = has_room,
                                                .now = os_now};
