/* columns.h - the columns of built-in result sets, as rows of tables: {TEXT("name", 128), ...}. */
#ifndef VDIFAULT_SESSION_COLUMNS_H
#define VDIFAULT_SESSION_COLUMNS_H

#include "session_results.h"

#define TEXT(title, characters)                                       \
    {                                                                 \
        .name = title, .type = RESULTS_NVARCHAR, .length = characters \
    }
#define BINARY(title, bytes)                                      \
    {                                                             \
        .name = title, .type = RESULTS_VARBINARY, .length = bytes \
    }
#define DIGITS(title, digits)                                       \
    {                                                               \
        .name = title, .type = RESULTS_NUMERIC, .precision = digits \
    }
#define OTHER(title, kind)                    \
    {                                         \
        .name = title, .type = RESULTS_##kind \
    }

#endif
