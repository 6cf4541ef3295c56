/* hasty.c - a client with a bug: once Flush is answered everything is on the disk, so it takes the backup for good,
 * whatever comes then. If SQL Server fails the statement after that, there is no backup (VDI-OUT-001). */
#include "backup.h"
#include "vdierror.h"

bool backup_is_good(const struct ending *ending)
{
    return ending->flushed ||
           (ending->device == (int)VD_E_CLOSE && ending->close == 0 && ending->statement == 0);
}
