/* durability.h - what would be on disk had the machine stopped when a Flush or VDC_Complete was acknowledged:
 * VDI-FLUSH-001, 002 and 004, VDI-COMP-001 (spec 6.3, 10).
 *
 * Internal to src/rules. A file is dirty if a write to it ended and no sync that began after that, nor the write
 * itself (O_DSYNC), has made it durable. Which files hold a device's stream:
 *   exactly    a write, or stdio, took bytes from a buffer of the device's commands;
 *   by volume  nothing is known exactly, and a regular file received between first fetch and acknowledgement, in
 *              bytes of no known command, from half to one and a half times what an average device was handed out,
 *              and at least VOLUME_MIN: no log, list or catalogue does. Judged when every device has been flushed.
 * Where bytes go to a socket, a device file or nowhere that is seen, and where another file may hold them as well,
 * nothing is observable and nothing is reported. Single-threaded, as the checker.
 */
#ifndef VDIFAULT_RULES_DURABILITY_H
#define VDIFAULT_RULES_DURABILITY_H

#include "state.h"

/* All of them do nothing once the client has ended. */
void durability_configured(struct checker *checker, int32_t operation, uint32_t features);
void durability_fetched(struct checker *checker, const struct event *event, const struct call *call);
/* CompleteCommand with SUCCESS was called for a command of this code. */
void durability_acknowledged(struct checker *checker, int32_t code, const struct call *call);
/* ... with another code: it told that it failed. */
void durability_refused(struct checker *checker, uint64_t fetch);
void durability_file(struct checker *checker, const struct event *event, const char *text);
void durability_note(struct checker *checker, const struct event *event, const char *text);
void durability_closed(struct checker *checker, int32_t operation); /* its set */
void durability_process_exit(struct checker *checker, const struct event *event);

/* What only the whole record tells of the last acknowledgements: first of all at the end, once. */
void durability_look_back(struct checker *checker);
/* Reports; once, at the end. */
void durability_settle(struct checker *checker);
/* At the operation's last acknowledgement; after durability_settle. */
enum durable durability_of(const struct checker *checker, int32_t operation);
/* A restore from what had been on disk then failed or differed. */
bool durability_is_disproved(const struct checker *checker, const struct operation_state *operation);
/* The files of an operation that was not durable, into what is shown of it. */
void durability_show_sinks(struct checker *checker, struct operation *shown);
void durability_free(struct checker *checker);

#endif
