/* to_c.h - a plan and its finding as a C program of cmocka's, for whoever links it with vdifault.h's library and the
 * client. It fails as long as the client has the bug. */
#ifndef VDIFAULT_CLIENT_TO_C_H
#define VDIFAULT_CLIENT_TO_C_H

#include <stdio.h>

#include "plan.h"
#include "trial.h"

int to_c_write(FILE *out, const struct plan *plan, const struct trial *finding); /* 0 or errno */

#endif
