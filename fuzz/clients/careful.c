/* careful.c - a correct client: a backup is good if VD_E_CLOSE came, Close went well, and SQL Server said so. */
#include "backup.h"
#include "vdierror.h"

bool backup_is_good(const struct ending *ending)
{
    return ending->device == (int)VD_E_CLOSE && ending->close == 0 && ending->statement == 0;
}
