/* pack.h - a few files as one .tar.gz (libarchive). The same files give the same bytes. */
#ifndef VDIFAULT_PACK_H
#define VDIFAULT_PACK_H

#include <stddef.h>
#include <stdint.h>

enum {
    PACKED_NAME_MAX = 160
};

struct packed_file {
    char name[PACKED_NAME_MAX]; /* with '/' between folders */
    char *data;                 /* borrowed */
    size_t size;
};

/* Writes `path`, its files below `folder` and dated `time` (seconds since 1970). 0, or -1 with `why` filled;
 * a file that was begun is removed then. */
int pack_files(const char *path, const char *folder, const struct packed_file *files, size_t count,
               int64_t time, char *why, size_t size);

#endif
