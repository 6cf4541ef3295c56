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
