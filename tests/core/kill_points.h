/* kill_points.h - every place where a process can die between two things its peer can see: before each store
 * to the control object, before each wake, and before each operation on objects and their names.
 *
 * A point is a place and the how-manieth visit of it ("the third store to that word"), so that it means the
 * same in every run, however the two processes happen to take turns. The core is built with VDIFAULT_STEPS and
 * linked with the operations of os.h wrapped. Stores to buffers go through plain pointers and are no points:
 * nothing but data is there.
 *
 * The table is shared between the processes of a test. What any run visits is added to it, so an enumeration
 * that ends has tried all that was ever seen.
 */
#ifndef KILL_POINTS_H
#define KILL_POINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    KILL_CONTROL_MAX = 16384, /* bytes of a control object that this can tell apart */
    KILL_OPERATIONS = 6,
    KILL_WAKES = KILL_CONTROL_MAX, /* places: stores by offset, then wakes by offset, then operations */
    KILL_OBJECTS = 2 * KILL_CONTROL_MAX,
    KILL_PLACES = KILL_OBJECTS + KILL_OPERATIONS,
};

struct kill_points {
    _Atomic uint16_t seen[KILL_PLACES];  /* most visits in one run */
    _Atomic uint16_t tried[KILL_PLACES]; /* visits at which somebody has died */
};

struct kill_point {
    uint32_t place;
    uint32_t visit; /* from 1; 0: none, only note what is visited */
};

/* This process notes what it visits from now on, and dies at `point`. */
void kill_points_arm(struct kill_points *points, struct kill_point point);

/* The next point nobody has died at yet; false if there is none. */
bool kill_points_next(struct kill_points *points, struct kill_point *point);
/* Whether the point may not come again in another run: who sleeps when, and who cleans up behind whom, is a matter
 * of timing. */
bool kill_point_is_a_race(struct kill_point point);
uint32_t kill_points_count(const struct kill_points *points);
const char *kill_point_text(struct kill_point point, char out[64]);

#endif
