/* player_world.c - the worlds of player.h: their names, and what cannot happen in which. */
#include <stdio.h>

#include "player.h"

const char *const player_world_words[PLAYER_WORLD_COUNT] = {
    [PLAYER_SIM] = "sim",
    [PLAYER_SHM] = "shm",
    [PLAYER_PRELOAD] = "preload",
};

const char *const player_world_texts[PLAYER_WORLD_COUNT] = {
    [PLAYER_SIM] = "in the simulation",
    [PLAYER_SHM] = "in shared memory",
    [PLAYER_PRELOAD] = "in shared memory, through libvdifault.so",
};

/* Elsewhere the client and the server are one process each at most, and of one process together. */
static const char *refuse_line(const struct scenario_line *line)
{
    switch (scenario_actor_process(line->who)) {
    case SCENARIO_SECONDARY:
    case SCENARIO_ANOTHER:
        return "only the simulation has a second client process";
    case SCENARIO_WORLD:
        return "only the simulation can do that";
    default:
        return scenario_verb_info(line->verb)->simulation_only ? "only the simulation can do that" : NULL;
    }
}

bool player_refuses(enum player_world world, const struct scenario *scenario, char *text, size_t size)
{
    if (world == PLAYER_SIM) {
        return false;
    }
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        const char *reason = refuse_line(&scenario->lines[i]);
        if (reason != NULL) {
            snprintf(text, size, "line %u: %s", (unsigned)i + 1, reason);
            return true;
        }
    }
    if (scenario_needs_simulation(scenario)) {
        snprintf(text, size, "only the simulation can follow its schedule");
        return true;
    }
    return false;
}
