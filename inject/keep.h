/* keep.h - buffers that stay readable although an injected Close gave them back.
 *
 * A real client whose set is closed by another thread may still hold a buffer; what it does with it is for
 * the rules to judge, not for a SIGSEGV that we caused. While the Close of a fault runs, munmap on that
 * thread only takes note; the ranges go when the set object is used again or destroyed.
 */
#ifndef VDIFAULT_KEEP_H
#define VDIFAULT_KEEP_H

#include "shadow.h"

void keep_begin(struct shadow_set *set);
void keep_end(void);
void keep_release(struct shadow_set *set);

#endif
