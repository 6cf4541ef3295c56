#include "codes.h"

#include <stddef.h>

bool code_is_io_error(int32_t completion_code)
{
    static const int32_t harmless[] = {ERROR_SUCCESS,          ERROR_NOT_SUPPORTED,     ERROR_HANDLE_EOF,
                                       ERROR_NO_DATA_DETECTED, ERROR_FILEMARK_DETECTED, ERROR_END_OF_MEDIA};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (completion_code == harmless[i]) {
            return false;
        }
    }
    return true;
}

uint32_t command_features(int32_t command_code)
{
    static const struct {
        int32_t code;
        uint32_t features;
    } commands[] = {
        {VDC_Rewind, VDF_Rewind},
        {VDC_WriteMark, VDF_FileMarks},
        {VDC_SkipMarks, VDF_FileMarks},
        {VDC_SkipBlocks, VDF_SkipBlocks},
        {VDC_Load, VDF_Removable},
        {VDC_GetPosition, VDF_Position | VDF_RandomAccess},
        {VDC_SetPosition, VDF_Position | VDF_RandomAccess},
        {VDC_Discard, VDF_Discard},
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (command_code == commands[i].code) {
            return commands[i].features;
        }
    }
    return 0;
}
