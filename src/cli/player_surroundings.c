/* player_surroundings.c - see player_surroundings.h. */
#include "player_surroundings.h"

#include <errno.h>
#include <unistd.h>

#include "environment.h"
#include "parts.h"

int player_surround(struct player_surroundings *around, enum player_world world)
{
    /* The guard would ask for other buffers than the scenario, and give the client other addresses. */
    static const struct environment_choice choice = {.add_library = true, .guard = "off"};
    struct parts parts;
    const char *missing;
    *around = (struct player_surroundings){.environment = environ};
    if (world != PLAYER_PRELOAD) {
        return 0;
    }
    int error = parts_find(&parts, &missing);
    error = error == 0 ? rundir_create(rundir_base(), &parts, &around->dir) : error;
    error = error == 0 ? rundir_write(&around->dir, "plan", "", 0) : error;
    if (error != 0) {
        return error;
    }
    around->made = environment_make(ENVIRONMENT_CLIENT, &around->dir, &parts, &choice, environ);
    around->environment = around->made;
    return around->made != NULL ? 0 : ENOMEM;
}

void player_leave(struct player_surroundings *around)
{
    environment_free(around->made);
    if (around->dir.path[0] != '\0') {
        (void)folder_remove(around->dir.path);
    }
}
