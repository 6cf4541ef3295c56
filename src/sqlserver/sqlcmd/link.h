/* link.h - sqlcmd's words for a connection that fails: the driver's, on standard error. One thread. */
#ifndef VDIFAULT_SQLCMD_LINK_H
#define VDIFAULT_SQLCMD_LINK_H

#include <stdio.h>

#include "engine.h"

void link_report(FILE *err, enum engine_leaving leaving); /* ENGINE_LOST or ENGINE_UNREACHABLE */

#endif
