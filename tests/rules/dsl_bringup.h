/* dsl_bringup.h - more words of dsl.h, about a set before its transfer. */
#ifndef VDIFAULT_TESTS_RULES_DSL_BRINGUP_H
#define VDIFAULT_TESTS_RULES_DSL_BRINGUP_H

#include "dsl.h"

uint64_t vdi_create_named(struct run *run, const char *name, uint32_t devices, int32_t result);
/* With the configuration as passed, of the set "set-1". */
uint64_t vdi_create_with(struct run *run, const VDConfig *config, int32_t result);
/* Success, with the configuration as returned. */
uint64_t vdi_configure(struct run *run, const VDConfig *config);
uint64_t vdi_wait_configuration(struct run *run, int64_t timeout, int32_t result);
uint64_t vdi_open_named(struct run *run, const char *name, int16_t device, int32_t result);
uint64_t vdi_open_in_secondary(struct run *run, const char *name, int32_t result);

/* What the server read in the statement just begun: `names` ends with NULL. */
void sql_devices(struct run *run, const char *const *names);

/* A process of the client waited for this one. */
void child_ends(struct run *run, uint32_t process, int32_t status, int32_t signal);

#endif
