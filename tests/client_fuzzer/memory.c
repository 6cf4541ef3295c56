/* memory.c - with fuzz/clients/backup.c: a client with two bugs in its memory, each behind a fault of its own. */
#include <stdlib.h>
#include <string.h>

#include "backup.h"
#include "vdierror.h"

static char note_abort(void)
{
    char *volatile reason = malloc(16);
    strcpy(reason, "aborted");
    free(reason);
    return reason[0];
}

static void note_failure(char *text, int status)
{
    memset(text, 'x', status != 0 ? 17 : 16);
}

bool backup_is_good(const struct ending *ending)
{
    char *text = malloc(16);
    if (ending->device == (int)VD_E_ABORT) {
        text[0] = note_abort();
    }
    note_failure(text, ending->statement);
    free(text);
    return ending->device == (int)VD_E_CLOSE && ending->close == 0 && ending->statement == 0;
}
