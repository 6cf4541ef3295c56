/* scenario_mutator.c - libFuzzer's hooks, for every target whose input is a scenario: src/scenario/mutate.h.
 *
 * The target says by MUTATOR_SCOPE (enum mutate_scope) what else than calls it wants to be given.
 */
#include "mutate.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t max_out_size, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return scenario_mutate_bytes(data, size, max_size, seed, MUTATOR_SCOPE);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t max_out_size, unsigned seed)
{
    return scenario_cross_bytes(one, one_size, other, other_size, out, max_out_size, seed, MUTATOR_SCOPE);
}
