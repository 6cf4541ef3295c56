/* Where the core's steps go in the simulation (os/sim.h). */
#include "shared.h"
#include "sim.h"

void shared_step(enum shared_access access, const void *field)
{
    sim_step(access == SHARED_STORE, field);
}
