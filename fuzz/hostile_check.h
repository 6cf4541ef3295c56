/* hostile_check.h - what hostile_client.c and hostile_server.c share: the documented results of a function, and
 * the checks of what a call gives back. */
#ifndef HOSTILE_CHECK_H
#define HOSTILE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "hostile_os.h"
#include "hostile_world.h"

/* A bit a code: NOERROR is bit 0, VD_ERROR(n) bit n. */
#define CODE(result) (1u << ((uint32_t)(result)&0xff))
#define OK           1u
#define ABORT        CODE(VD_E_ABORT)
#define INVALID      CODE(VD_E_INVALID)
#define MEMORY       CODE(VD_E_MEMORY)
#define PROTOCOL     CODE(VD_E_PROTOCOL)
#define TIMEOUT      CODE(VD_E_TIMEOUT)

/* What the documents let a function give, in any state. */
struct function {
    const char *name;
    uint32_t results;
};

void begin(const struct function *function);
int check(const struct function *function, int result); /* returns it */
/* A buffer of `size` bytes with its prefix zone: inside a mapping, and to be touched. */
void check_buffer(uint8_t *buffer, uint64_t prefix, uint64_t size);
/* A configuration that names devices which are not there would be an overrun in its reader. */
void check_configuration(const struct VDConfig *config);

#endif
