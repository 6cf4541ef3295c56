/* player_surroundings.c - see player_surroundings.h. */
#include "player_surroundings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "environment.h"
#include "event_time.h"
#include "parts.h"

/* The plan and the state that the interposer and the player share. Its clock is the player's, who moves it. */
static int fill(struct player_surroundings *around, const struct plan *plan)
{
    char *text = plan != NULL ? plan_text(plan) : strdup("");
    char *trace = rundir_file(&around->dir, "trace");
    int error =
        text == NULL || trace == NULL ? ENOMEM : rundir_write(&around->dir, "plan", text, strlen(text));
    error = error == 0 ? run_state_create(trace) : error;
    error = error == 0 ? run_state_map(trace, &around->state) : error;
    if (error == 0) {
        around->state->tick_rate = EVENT_TIME_NO_TICKS;
    }
    free(text);
    free(trace);
    return error;
}

int player_surround(struct player_surroundings *around, const struct player *player)
{
    /* The guard would ask for other buffers than the scenario, and give the client other addresses. */
    static const struct environment_choice choice = {.guard = "off"};
    struct parts parts;
    const char *missing;
    *around = (struct player_surroundings){.environment = environ};
    if (player->world != PLAYER_PRELOAD) {
        return 0;
    }
    int error = parts_find(&parts, &missing);
    error = error == 0 ? rundir_create(rundir_base(), &parts, &around->dir) : error;
    error = error == 0 ? fill(around, player->plan) : error;
    if (error != 0) {
        return error;
    }
    around->made = environment_make(ENVIRONMENT_CLIENT, &around->dir, &parts, &choice, environ);
    around->environment = around->made;
    return around->made != NULL ? 0 : ENOMEM;
}

bool player_fault_has_fired(const struct player_surroundings *around)
{
    bool fired = false;
    for (uint32_t i = 0; around->state != NULL && i < PLAN_FAULTS_MAX; i++) {
        fired = fired || atomic_load(&around->state->faults[i].fired) != 0;
    }
    return fired;
}

void player_leave(struct player_surroundings *around)
{
    if (around->state != NULL) {
        munmap(around->state, sizeof *around->state);
    }
    environment_free(around->made);
    if (around->dir.path[0] != '\0') {
        (void)folder_remove(around->dir.path);
    }
}
