/* out_files.h - the files that a command is to write beside each other, looked at before it does anything.
 *
 * Responsible for: that each can be written, and that no two of them, nor what is read, are one file, whatever names they
 * have. A file that is not there is made, empty; one that is stays as it is. Not responsible for: what is no regular file,
 * pipes for instance, which only opening them once more would tell. Errors: an exit status, after a message. One thread.
 */
#ifndef VDIFAULT_OUT_FILES_H
#define VDIFAULT_OUT_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct out_file {
    const char *option; /* without its dashes */
    const char *path;   /* NULL: not asked for; "-": stdout */
    bool replaces;      /* it may be the file that is read */
};

/* `input`: the file that is read; "-": stdin. */
int out_files_check(const char *verb, const char *input, const struct out_file *files, size_t count);

#endif
