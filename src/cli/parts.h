/* parts.h - the installed parts the command works with, found relative to the command itself (design 4.1).
 *
 * PREFIX/bin/vdifault, PREFIX/lib/libvdifault.so and libvdifault-sys.so, PREFIX/lib/libsqlvdi.so,
 * PREFIX/libexec/vdifault/sqlcmd and sqlserver. A build tree has the same shape, so one rule serves both.
 */
#ifndef VDIFAULT_PARTS_H
#define VDIFAULT_PARTS_H

#include "rundir.h"

struct parts {
    char library_folder[RUN_PATH_MAX];
    char interposer[RUN_PATH_MAX];
    char files[RUN_PATH_MAX]; /* libvdifault-sys.so */
    char vdi_library[RUN_PATH_MAX];
    char stand_in[RUN_PATH_MAX];   /* with all links resolved: it is compared with /proc/PID/exe */
    char sql_server[RUN_PATH_MAX]; /* likewise, of --tds; "" where it is not installed */
    char tds_proxy[RUN_PATH_MAX];  /* likewise, of record --record-answers */
};

/* The program that plays scenarios in this world, PREFIX/libexec/vdifault/play_WORLD. 0, or errno; `path` is filled where
 * it is missing, too. */
int parts_find_player(const char *world, char path[RUN_PATH_MAX]);

/* 0, or errno with the part that is missing in *missing (a field of *parts). */
int parts_find(struct parts *parts, const char **missing);

#endif
