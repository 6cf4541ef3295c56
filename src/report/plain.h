/* plain.h - a stream for a person's terminal that others' text goes through: names, messages, paths of a client.
 *
 * Control characters in it would steer the terminal. What passes are the end of a line, the tabulator, and the few
 * sequences that our own colors are (text_print.h); every other control character, of C0 or C1, becomes U+FFFD.
 * Ownership: `out` stays the caller's and must outlive the stream. Errors: NULL, no memory; those of `out` show when
 * the stream is closed. Threads: one at a time. Internal to src/report.
 */
#ifndef VDIFAULT_REPORT_PLAIN_H
#define VDIFAULT_REPORT_PLAIN_H

#include <stdio.h>

FILE *plain_open(FILE *out);
int plain_close(FILE *plain); /* flushes `out`, too. 0 or errno */

#endif
