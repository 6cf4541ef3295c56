/* output_watch.h - what a client prints, passed on line by line as it comes and compared with what is waited for.
 *
 * The client's stdout and stderr are two pipes, whose bytes go on at once to where they would have gone. A client that
 * prints into its own buffers, as stdio does into a pipe, is heard when it flushes them.
 *
 * Ownership: the pipes and what was compiled, from open to close; closed ones may be closed again. Errors: 0 or errno.
 * Threads: one.
 */
#ifndef VDIFAULT_OUTPUT_WATCH_H
#define VDIFAULT_OUTPUT_WATCH_H

#include <poll.h>
#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum output_pattern {
    OUTPUT_READY,
    OUTPUT_SUCCESS,
    OUTPUT_FAILURE,
    OUTPUT_PATTERNS
};

enum {
    OUTPUT_STREAMS = 2,
    OUTPUT_LINE_MAX = 4096, /* what is longer counts as several lines */
    OUTPUT_QUIET_MS = 500   /* a line without an end is looked at after so long, as far as it has come */
};

struct output_stream {
    int from; /* -1: closed */
    int into; /* the client's end, until it is started */
    int to;
    int64_t heard_ns; /* the last byte */
    bool looked_at;   /* the line without its end, since then */
    bool counted;     /* ... and it matched */
    size_t length;
    char line[OUTPUT_LINE_MAX];
};

struct output_watch {
    bool is_open;
    struct output_stream streams[OUTPUT_STREAMS]; /* stdout, stderr */
    regex_t patterns[OUTPUT_PATTERNS];
    bool compiled[OUTPUT_PATTERNS];
    bool matched[OUTPUT_PATTERNS]; /* a line has */
    char last[OUTPUT_LINE_MAX];    /* line; "" none */
};

/* Extended regular expressions, NULL where nothing is waited for; `to` are the descriptors to pass on to. */
int output_watch_open(struct output_watch *watch, const char *const patterns[OUTPUT_PATTERNS],
                      const int to[OUTPUT_STREAMS]);
/* The client has its ends. */
void output_watch_started(struct output_watch *watch);
/* For poll: descriptors that are -1 when there is nothing to wait for. */
void output_watch_wait(const struct output_watch *watch, struct pollfd waits[OUTPUT_STREAMS]);
/* Takes what there is. */
void output_watch_read(struct output_watch *watch);
/* What matched so far does no more, unless it comes again. */
void output_watch_forget(struct output_watch *watch, enum output_pattern pattern);
void output_watch_close(struct output_watch *watch);

#endif
