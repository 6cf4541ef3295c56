/* names.c - names of functions, commands and results, as the documents spell them (spec 3, 5.5, 5.6). */
#include <stddef.h>

#include "event.h"
#include "vdi.h"
#include "vdierror.h"

const char *const vdi_function_names[VDI_FN_COUNT] = {
    [VDI_FN_NONE] = "",
    [VDI_FN_CREATE] = "Create",
    [VDI_FN_GET_CONFIGURATION] = "GetConfiguration",
    [VDI_FN_OPEN_DEVICE] = "OpenDevice",
    [VDI_FN_GET_COMMAND] = "GetCommand",
    [VDI_FN_COMPLETE_COMMAND] = "CompleteCommand",
    [VDI_FN_SIGNAL_ABORT] = "SignalAbort",
    [VDI_FN_CLOSE] = "Close",
    [VDI_FN_OPEN_IN_SECONDARY] = "OpenInSecondary",
    [VDI_FN_GET_BUFFER_HANDLE] = "GetBufferHandle",
    [VDI_FN_MAP_BUFFER_HANDLE] = "MapBufferHandle",
    [VDI_FN_REGISTER_DEVICE_CLOSED] = "RegisterDeviceClosed",
    [VDI_FN_DESTROY] = "Destroy",
};

static const char *const command_names[] = {
    [VDC_Read] = "Read",
    [VDC_Write] = "Write",
    [VDC_ClearError] = "ClearError",
    [VDC_Rewind] = "Rewind",
    [VDC_WriteMark] = "WriteMark",
    [VDC_SkipMarks] = "SkipMarks",
    [VDC_SkipBlocks] = "SkipBlocks",
    [VDC_Load] = "Load",
    [VDC_GetPosition] = "GetPosition",
    [VDC_SetPosition] = "SetPosition",
    [VDC_Discard] = "Discard",
    [VDC_Flush] = "Flush",
    [VDC_Snapshot] = "Snapshot",
    [VDC_MountSnapshot] = "MountSnapshot",
    [VDC_PrepareToFreeze] = "PrepareToFreeze",
    [VDC_FileInfoBegin] = "FileInfoBegin",
    [VDC_FileInfoEnd] = "FileInfoEnd",
    [VDC_GetError] = "GetError",
    [VDC_Complete] = "Complete",
};

struct named {
    int32_t value;
    const char *name;
};

static const struct named result_names[] = {
    {0, "NOERROR"},
    {VD_ERROR(1), "VD_E_IO_ERROR"}, /* documented without a value (X11): ours */
    {VD_E_NOTOPEN, "VD_E_NOTOPEN"},
    {VD_E_TIMEOUT, "VD_E_TIMEOUT"},
    {VD_E_ABORT, "VD_E_ABORT"},
    {VD_E_SECURITY, "VD_E_SECURITY"},
    {VD_E_INVALID, "VD_E_INVALID"},
    {VD_E_INSTANCE_NAME, "VD_E_INSTANCE_NAME"},
    {VD_ERROR(8), "VD_E_QUEUE_FULL"}, /* likewise */
    {VD_E_NOTSUPPORTED, "VD_E_NOTSUPPORTED"},
    {VD_E_MEMORY, "VD_E_MEMORY"},
    {VD_E_UNEXPECTED, "VD_E_UNEXPECTED"},
    {VD_E_PROTOCOL, "VD_E_PROTOCOL"},
    {VD_E_OPEN, "VD_E_OPEN"},
    {VD_E_CLOSE, "VD_E_CLOSE"},
    {VD_E_BUSY, "VD_E_BUSY"},
};

/* Spec 5.7; vdi.h has those of the SDK's header only. */
static const struct named completion_names[] = {
    {0, "SUCCESS"},
    {6, "ERROR_INVALID_HANDLE"},
    {7, "ERROR_ARENA_TRASHED"},
    {38, "ERROR_HANDLE_EOF"},
    {39, "ERROR_HANDLE_DISK_FULL"},
    {50, "ERROR_NOT_SUPPORTED"},
    {112, "ERROR_DISK_FULL"},
    {995, "ERROR_OPERATION_ABORTED"},
    {1100, "ERROR_END_OF_MEDIA"},
    {1101, "ERROR_FILEMARK_DETECTED"},
    {1104, "ERROR_NO_DATA_DETECTED"},
    {1117, "ERROR_IO_DEVICE"},
    {1129, "ERROR_EOM_OVERFLOW"},
    {1450, "ERROR_NO_SYSTEM_RESOURCES"},
};

static const char *find_name(const struct named *names, size_t count, int32_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i].value == value) {
            return names[i].name;
        }
    }
    return NULL;
}

const char *vdi_command_name(int32_t code)
{
    if (code < VDC_Read || code > VDC_Complete) {
        return NULL;
    }
    return command_names[code];
}

const char *vdi_result_name(int32_t result)
{
    return find_name(result_names, sizeof result_names / sizeof result_names[0], result);
}

const char *vdi_completion_name(int32_t code)
{
    return find_name(completion_names, sizeof completion_names / sizeof completion_names[0], code);
}
