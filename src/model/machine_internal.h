/* machine_internal.h - what the files of the machine share.
 *
 *   machine.c            states, commands on their way, what calls change
 *   machine_situation.c  in which situation a call finds the set
 */
#ifndef VDIFAULT_MACHINE_INTERNAL_H
#define VDIFAULT_MACHINE_INTERNAL_H

#include "machine.h"

/* How many devices have the flag, which is so far into struct model_device. */
uint32_t model_count(const struct model_set *set, size_t flag);
#define COUNT(set, flag) model_count((set), offsetof(struct model_device, flag))

/* The next one the client is given; NULL: none. */
struct model_command *model_next_command(struct model_device *device);
/* In IO-ERROR the client library answers what it has not handed out, up to a ClearError. */
void model_refuse_unfetched(struct model_device *device);
/* A device that the process opened has not delivered VD_E_CLOSE. */
bool model_has_open_device(const struct model_set *set, uint32_t client);

enum model_situation model_situation_of(const struct model_set *set, const struct model_call *call);

#endif
