/* random.h - the one generator of numbers that look random: SplitMix64, the same from the same seed, wherever.
 *
 * Its whole state is one word, any value of which will do as a seed. For the simulation, the server, the sweep, the
 * interposer and the tests alike, so it lies at the bottom: no library, no allocation; any thread, each with a state of
 * its own.
 */
#ifndef VDIFAULT_RANDOM_H
#define VDIFAULT_RANDOM_H

#include <stdint.h>

/* Every bit of the result depends on every bit of the value, and no two values have the same. */
static inline uint64_t random_mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static inline uint64_t random_next(uint64_t *state)
{
    return random_mix(*state += UINT64_C(0x9e3779b97f4a7c15));
}

#endif
