/* fault_table.c - the catalogue of fault kinds: the rows of faults.def, and what of a kind's arguments and site does
 * not go together. */
#include <stdio.h>

#include "event.h"
#include "fault_internal.h"
#include "vdi.h"

#define FUNCTION(name) (1u << VDI_FN_##name)
#define CHOICE(id, name, values, fallback)                               \
    {                                                                    \
        FAULT_VALUE_CHOICE, FAULT_ARG_##id, name, values, 0, 0, fallback \
    }
#define NUMBER(id, name, means, low, high, fallback)                         \
    {                                                                        \
        FAULT_VALUE_NUMBER, FAULT_ARG_##id, name, means, low, high, fallback \
    }
/* In the order of fault_results. */
#define RESULT_NAMES "VD_E_ABORT|VD_E_MEMORY|VD_E_NOTSUPPORTED|VD_E_PROTOCOL|VD_E_SECURITY|VD_E_INVALID"

enum {
    ALL_COMMANDS = 0xffffeu, /* bits 1 to 19 (spec 5.5) */
    /* Before ClearError the device is in IO-ERROR: no other command would reach the client (spec 2.2). */
    WITHOUT_IO_ERROR = ALL_COMMANDS & ~(1u << VDC_ClearError),
    /* Sites at which a device can be open. Create, GetConfiguration and OpenInSecondary come before the first
     * OpenDevice of a set's life, Destroy after its last call. */
    WITH_OPEN_DEVICES = FUNCTION(OPEN_DEVICE) | FUNCTION(GET_COMMAND) | FUNCTION(COMPLETE_COMMAND) |
                        FUNCTION(SIGNAL_ABORT) | FUNCTION(CLOSE) | FUNCTION(GET_BUFFER_HANDLE) |
                        FUNCTION(MAP_BUFFER_HANDLE) | FUNCTION(REGISTER_DEVICE_CLOSED),
    /* Sites at which a set can be open, or about to be by somebody else's Create. */
    WITH_A_SET = WITH_OPEN_DEVICES | FUNCTION(GET_CONFIGURATION) | FUNCTION(OPEN_IN_SECONDARY),
    ALL_CALLS = WITH_A_SET | FUNCTION(CREATE) | FUNCTION(DESTROY),
    BUFFERED = 1u << VDC_Read | 1u << VDC_Write,
    /* Sites at which the statement is sure to live: it waits for the client there. GetCommand and Close may be entered
     * when the statement has just ended. */
    WHILE_SERVED = FUNCTION(GET_CONFIGURATION) | FUNCTION(OPEN_DEVICE) | FUNCTION(COMPLETE_COMMAND),
};

static bool refuse(char *why, size_t size, const char *reason)
{
    snprintf(why, size, "%s", reason);
    return false;
}

static bool fault_fits_early_close(const struct fault *fault, char *why, size_t size)
{
    bool first_open =
        fault->site.function == VDI_FN_OPEN_DEVICE && fault->site.nth == 1 && !fault->site.and_later;
    return !first_open ||
           refuse(why, size, "at OpenDevice#1 no device is open yet: expected OpenDevice#2 or later");
}

/* Commands of device models: unknown to a client that announced another one. */
static bool belongs_to_a_model(int32_t code)
{
    return code >= VDC_Rewind && code <= VDC_Discard;
}

static bool fault_fits_unknown_command(const struct fault *fault, char *why, size_t size)
{
    int32_t code = fault->arg[FAULT_ARG_CODE];
    const char *name = vdi_command_name(code);
    if (name == NULL || belongs_to_a_model(code)) {
        return true;
    }
    snprintf(why, size, "code=%d is VDC_%s: expected a code that is no command, or 4 to 11", code, name);
    return false;
}

static bool fault_fits_satisfied_early(const struct fault *fault, char *why, size_t size)
{
    bool first = fault->site.nth == 1;
    return !first || refuse(why, size, "at Read#1 not even the header was read: expected Read#2 or later");
}

static bool fault_fits_extra_flush(const struct fault *fault, char *why, size_t size)
{
    bool first = fault->site.command == VDC_Write && fault->site.nth == 1;
    return !first || refuse(why, size, "at Write#1 there is nothing to flush yet: expected Write#2 or later");
}

static bool fault_fits_end_of_media(const struct fault *fault, char *why, size_t size)
{
    bool first = fault->site.command == VDC_Write && fault->site.nth == 1;
    return !first || refuse(why, size,
                            "at Write#1 the volume holds but a header, which a tape's filemark must follow: "
                            "expected Write#2 or later");
}

bool fault_is_io_error(int32_t completion_code)
{
    static const int32_t harmless[] = {0, 38, 50, 1100, 1101, 1104};
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (completion_code == harmless[i]) {
            return false;
        }
    }
    return true;
}

static bool fault_fits_io_error(const struct fault *fault, char *why, size_t size)
{
    int32_t code = fault->arg[FAULT_ARG_CODE];
    if (fault_is_io_error(code)) {
        return true;
    }
    snprintf(why, size, "code=%d is no I/O error: expected one such as 1117 or 112", code);
    return false;
}

const struct fault_info fault_table[FAULT_KIND_COUNT] = {
#define FAULT(id, ...) [FAULT_##id] = {__VA_ARGS__},
#include "faults.def"
};
