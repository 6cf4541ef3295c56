/* hostile_check.h - what hostile_client.c and hostile_server.c share: the documented results of a function, and
 * the checks of what a call gives back. */
#ifndef HOSTILE_CHECK_H
#define HOSTILE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "hostile_world.h"
#include "model.h"

/* A function, and what it may give: what the model's tables list for it in any state (src/model), and `more`, which
 * no table does. What state the set is in only its honest side could tell. */
struct function {
    enum model_function model; /* MODEL_FUNCTION_COUNT: of no table, `more` is all */
    const char *name;          /* of such a one */
    uint32_t more;             /* CODE()s */
};

/* A bit a code: NOERROR is bit 0, VD_ERROR(n) bit n. */
#define CODE(result) (1u << ((uint32_t)(result)&0xff))

/* Says what is wrong in which call, and ends the process. */
_Noreturn void hostile_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

void begin(const struct function *function);
int check(const struct function *function, int result); /* returns it */
/* A buffer of `size` bytes with its prefix zone: inside a mapping, and to be touched. */
void check_buffer(uint8_t *buffer, uint64_t prefix, uint64_t size);
/* A configuration that names devices which are not there would be an overrun in its reader. */
void check_configuration(const struct VDConfig *config);

#endif
