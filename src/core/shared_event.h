/* shared_event.h - waiting for the other process to do something, over struct shared_event.
 *
 * Responsible for: waking a sleeper whenever what it waits for may have happened, and not paying for a system
 * call when nobody sleeps (see struct shared_event for why no wake is lost).
 *
 * Threads: any number may wait on and notify one event.
 */
#ifndef VDIFAULT_CORE_SHARED_EVENT_H
#define VDIFAULT_CORE_SHARED_EVENT_H

#include "layout.h"

uint32_t event_sequence(struct shared_event *event); /* note this, look, then wait on it */
/* Looks for a while, if that has paid of late on this thread, whether `word` is no longer `seen`: an event's
 * sequence, or a word that is written before the event is notified. False: it still is, so sleep. Makes no system
 * call. */
bool event_spin(_Atomic uint32_t *word, uint32_t seen);
/* Sleeps until the event's sequence is no longer `seen`, or `deadline` (ETIMEDOUT; os_now nanoseconds). May
 * return early. */
int event_wait(struct shared_event *event, uint32_t seen, int64_t deadline);
void event_notify(struct shared_event *event);

/* Whether waits in this process may spin before they sleep; true at first. For measurements. */
void event_set_spinning(bool allowed);

#endif
