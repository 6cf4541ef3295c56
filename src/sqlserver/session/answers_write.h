/* answers_write.h - answers as the file that answers_file.h reads.
 *
 * Errors: 0 or errno. One thread.
 */
#ifndef VDIFAULT_SESSION_ANSWERS_WRITE_H
#define VDIFAULT_SESSION_ANSWERS_WRITE_H

#include "answers.h"

/* The file as it has to be once `place` (answers_add) is new: what was at its end is written over, or all of it. It can
 * be read at any time. */
int answers_write(int file, const struct answers *answers, uint32_t place);

#endif
