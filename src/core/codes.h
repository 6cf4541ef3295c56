/* codes.h - codes that the documents name and the Linux SDK headers lack (spec 5.6, 5.7), and which completion
 * codes are errors. */
#ifndef VDIFAULT_CORE_CODES_H
#define VDIFAULT_CORE_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "vdi.h"
#include "vdierror.h"

/* Without a value in the documents; ours, server side only (design: X11). */
#define VD_E_IO_ERROR   VD_ERROR(1)
#define VD_E_QUEUE_FULL VD_ERROR(8)

#define ERROR_INVALID_HANDLE      6L
#define ERROR_END_OF_MEDIA        1100L
#define ERROR_FILEMARK_DETECTED   1101L
#define ERROR_NO_DATA_DETECTED    1104L
#define ERROR_IO_DEVICE           1117L
#define ERROR_EOM_OVERFLOW        1129L
#define ERROR_NO_SYSTEM_RESOURCES 1450L

/* Whether a completion with this code puts its device into IO-ERROR (spec 2.2): every code but success, the
 * refusal of an unsupported command, and those that only tell where the data or the medium ends. */
bool code_is_io_error(int32_t completion_code);

/* Features (VDF_*) of which a client must have announced one to be sent the command (spec 5.4, 6.1). 0: there is no
 * such, or the command is none. */
uint32_t command_features(int32_t command_code);

#endif
