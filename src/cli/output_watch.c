/* output_watch.c - see output_watch.h. */
#include "output_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os.h"

int output_watch_open(struct output_watch *watch, const char *const patterns[OUTPUT_PATTERNS],
                      const int to[OUTPUT_STREAMS])
{
    *watch = (struct output_watch){.is_open = true};
    for (int i = 0; i < OUTPUT_STREAMS; i++) {
        watch->streams[i] = (struct output_stream){.from = -1, .into = -1, .to = to[i]};
    }
    for (int i = 0; i < OUTPUT_PATTERNS; i++) {
        if (patterns[i] != NULL && regcomp(&watch->patterns[i], patterns[i], REG_EXTENDED | REG_NOSUB) != 0) {
            return EINVAL;
        }
        watch->compiled[i] = patterns[i] != NULL;
    }
    for (int i = 0; i < OUTPUT_STREAMS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
            return errno;
        }
        watch->streams[i].from = ends[0];
        watch->streams[i].into = ends[1];
    }
    return 0;
}

static void close_end(int *descriptor)
{
    if (*descriptor >= 0) {
        close(*descriptor);
        *descriptor = -1;
    }
}

void output_watch_started(struct output_watch *watch)
{
    for (int i = 0; watch->is_open && i < OUTPUT_STREAMS; i++) {
        close_end(&watch->streams[i].into);
    }
}

void output_watch_wait(const struct output_watch *watch, struct pollfd waits[OUTPUT_STREAMS])
{
    for (int i = 0; i < OUTPUT_STREAMS; i++) {
        waits[i] = (struct pollfd){.fd = watch->is_open ? watch->streams[i].from : -1, .events = POLLIN};
    }
}

/* True: something matched. */
static bool match(struct output_watch *watch, struct output_stream *stream)
{
    bool any = false;
    stream->line[stream->length] = '\0';
    for (int i = 0; i < OUTPUT_PATTERNS; i++) {
        bool one = watch->compiled[i] && regexec(&watch->patterns[i], stream->line, 0, NULL, 0) == 0;
        watch->matched[i] = watch->matched[i] || one;
        any = any || one;
    }
    if (stream->line[0] != '\0') {
        memcpy(watch->last, stream->line, sizeof watch->last);
    }
    return any;
}

static void end_line(struct output_watch *watch, struct output_stream *stream)
{
    (void)match(watch, stream);
    stream->length = 0;
    stream->counted = false;
}

static void take(struct output_watch *watch, struct output_stream *stream, const char *bytes, size_t length)
{
    stream->heard_ns = os_now();
    stream->looked_at = false;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n' || stream->length == sizeof stream->line - 1) {
            end_line(watch, stream);
        }
        if (bytes[i] != '\n') {
            stream->line[stream->length++] = bytes[i];
        }
    }
}

/* A prompt, or a last word to which nobody adds an end. The line goes on where it is: "sales ... " may get its "done". */
static void look_at_rest(struct output_watch *watch, struct output_stream *stream)
{
    int64_t quiet = (int64_t)OUTPUT_QUIET_MS * 1000 * 1000;
    if (stream->length > 0 && !stream->looked_at && os_now() - stream->heard_ns >= quiet) {
        stream->looked_at = true;
        stream->counted = match(watch, stream) || stream->counted;
    }
}

/* Nobody is told of a reader that has gone: as for the client itself, had it printed there. */
static void pass_on(int to, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(to, bytes, length);
        if (written < 0 && errno != EINTR) {
            return;
        }
        bytes += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
}

void output_watch_read(struct output_watch *watch)
{
    char bytes[4096];
    for (int i = 0; watch->is_open && i < OUTPUT_STREAMS; i++) {
        struct output_stream *stream = &watch->streams[i];
        ssize_t got = 1;
        while (stream->from >= 0 && got > 0) {
            got = read(stream->from, bytes, sizeof bytes);
            if (got > 0) {
                pass_on(stream->to, bytes, (size_t)got);
                take(watch, stream, bytes, (size_t)got);
            } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
                if (stream->length > 0) {
                    end_line(watch, stream);
                }
                close_end(&stream->from);
            }
        }
        look_at_rest(watch, stream);
    }
}

void output_watch_forget(struct output_watch *watch, enum output_pattern pattern)
{
    watch->matched[pattern] = false;
    for (int i = 0; watch->is_open && i < OUTPUT_STREAMS; i++) {
        struct output_stream *stream = &watch->streams[i];
        stream->length = stream->counted ? 0 : stream->length;
        stream->counted = false;
    }
}

void output_watch_close(struct output_watch *watch)
{
    for (int i = 0; watch->is_open && i < OUTPUT_STREAMS; i++) {
        close_end(&watch->streams[i].from);
        close_end(&watch->streams[i].into);
    }
    for (int i = 0; i < OUTPUT_PATTERNS; i++) {
        if (watch->compiled[i]) {
            regfree(&watch->patterns[i]);
        }
    }
    *watch = (struct output_watch){0};
}
