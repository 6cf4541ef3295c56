/* transitions.h - how far a scenario came in the state machine, as feedback for a fuzzing engine.
 *
 * Without it a fuzzer sees which lines of the core ran, and that hardly changes from one state to the next: a bug that
 * takes nine steps is not found in hours. So each transition (function, state, result) is a branch of its own here,
 * which every engine counts, or a counter where the engine is known to be libFuzzer (TRANSITIONS_ARE_COUNTERS), which is
 * also told how the device of the call stood.
 *
 * One thread at a time.
 */
#ifndef TRANSITIONS_H
#define TRANSITIONS_H

#include "play.h"

void transitions_count(const struct play_transition *transition);

#endif
