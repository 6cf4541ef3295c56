/* backup.h - how a backup ended, and whether a client takes it for a good one. */
#ifndef BACKUP_H
#define BACKUP_H

#include <stdbool.h>

struct ending {
    bool flushed;  /* the last command was Flush, and it was answered with SUCCESS */
    int device;    /* what ended the loop over GetCommand */
    int close;     /* what Close gave */
    int statement; /* sqlcmd's status */
};

/* careful.c or hasty.c. */
bool backup_is_good(const struct ending *ending);

#endif
