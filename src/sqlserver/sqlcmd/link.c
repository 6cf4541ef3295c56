/* link.c - see link.h. The codes are those of Linux: ECONNRESET, and the driver's own for a refused connection. */
#include "link.h"

#include <assert.h>
#include <stddef.h>

#define DRIVER "Sqlcmd: Error: Microsoft ODBC Driver 18 for SQL Server : "

void link_report(FILE *err, enum engine_leaving leaving)
{
    static const char *const words[] = {
        [ENGINE_LOST] = DRIVER "TCP Provider: Error code 0x68.\n" DRIVER "Communication link failure.\n",
        [ENGINE_UNREACHABLE] = DRIVER
        "Login timeout expired.\n" DRIVER "TCP Provider: Error code 0x2749.\n" DRIVER
        "A network-related or instance-specific error has occurred while establishing a connection to SQL "
        "Server. Server is not found or not accessible. Check if instance name is correct and if SQL Server "
        "is configured to allow remote connections. For more information see SQL Server Books Online.\n",
    };
    assert(leaving == ENGINE_LOST || leaving == ENGINE_UNREACHABLE);
    fputs(words[leaving], err);
}
