/* image.c - see image.h. */
#include "image.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes from start to before end. */
struct range {
    int64_t start;
    int64_t end;
};

struct ranges {
    struct range *list;
    size_t count;
    size_t capacity;
};

struct image {
    const struct report_event *events;
    size_t count;
    uint64_t identity;
    uint64_t moment;
    uint64_t synced; /* what was written before this event was durable at the moment */
    struct ranges durable;
    struct ranges lost;
    int64_t size; /* of the image */
    char *why;
    size_t why_size;
};

static int fail(struct image *image, const char *reason)
{
    snprintf(image->why, image->why_size, "%s", reason);
    return -1;
}

static int add(struct image *image, struct ranges *ranges, int64_t start, int64_t end)
{
    if (ranges->count > 0 && ranges->list[ranges->count - 1].end == start) {
        ranges->list[ranges->count - 1].end = end;
        return 0;
    }
    if (ranges->count == ranges->capacity) {
        size_t capacity = ranges->capacity == 0 ? 64 : ranges->capacity * 2;
        struct range *list = realloc(ranges->list, capacity * sizeof *list);
        if (list == NULL) {
            return fail(image, strerror(ENOMEM));
        }
        ranges->list = list;
        ranges->capacity = capacity;
    }
    ranges->list[ranges->count++] = (struct range){start, end};
    return 0;
}

static int by_start(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* In order, none touching another. */
static void merge(struct ranges *ranges)
{
    size_t kept = 0;
    if (ranges->count == 0) {
        return;
    }
    qsort(ranges->list, ranges->count, sizeof *ranges->list, by_start);
    for (size_t i = 1; i < ranges->count; i++) {
        struct range *last = &ranges->list[kept];
        if (ranges->list[i].start > last->end) {
            ranges->list[++kept] = ranges->list[i];
        } else if (ranges->list[i].end > last->end) {
            last->end = ranges->list[i].end;
        }
    }
    ranges->count = kept + 1;
}

static void cut(struct ranges *ranges, int64_t length)
{
    size_t kept = 0;
    for (size_t i = 0; i < ranges->count; i++) {
        struct range range = ranges->list[i];
        range.end = range.end < length ? range.end : length;
        if (range.start < range.end) {
            ranges->list[kept++] = range;
        }
    }
    ranges->count = kept;
}

/* Both merged. */
static bool overlap(const struct ranges *a, const struct ranges *b)
{
    size_t i = 0, k = 0;
    while (i < a->count && k < b->count) {
        if (a->list[i].end <= b->list[k].start) {
            i++;
        } else if (b->list[k].end <= a->list[i].start) {
            k++;
        } else {
            return true;
        }
    }
    return false;
}

/* ---- the events ---- */

static bool is_of_file(const struct image *image, const struct event *event)
{
    return event->kind == EVENT_FILE && (uint64_t)event->arg[2] == image->identity;
}

static void find_syncs(struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        const struct event *event = &image->events[i].event;
        bool one = event->arg[0] == FILE_SYNC_END && (is_of_file(image, event) || event->arg[2] == 0);
        bool all = event->arg[0] == FILE_SYNC_ALL_END;
        if (event->kind == EVENT_FILE && (one || all) && event->arg[5] == 0 &&
            event->sequence < image->moment && event->call > image->synced) {
            image->synced = event->call;
        }
    }
}

static int take_write(struct image *image, const struct event *event)
{
    int64_t start = event->arg[3], end = start + event->arg[5];
    bool durable = event->sequence < image->moment &&
                   (event->sequence < image->synced || event->arg[0] == FILE_WRITE_SYNCED);
    if (event->arg[5] <= 0) {
        return 0;
    }
    if (start < 0 || end < start) {
        return fail(image, "where a write went is not known");
    }
    image->size = durable && end > image->size ? end : image->size;
    return add(image, durable ? &image->durable : &image->lost, start, end);
}

static int take_cut(struct image *image, const struct event *event)
{
    bool durable = event->sequence < image->moment && event->sequence < image->synced;
    if (event->arg[5] != 0 || event->arg[3] == event->arg[4]) {
        return 0;
    }
    if (durable) {
        cut(&image->durable, event->arg[4]);
        cut(&image->lost, event->arg[4]);
        image->size = event->arg[4];
    } else if (event->arg[4] < image->size) {
        return fail(image, "what was durable was cut off later");
    }
    return 0;
}

static int by_sequence(const void *left, const void *right)
{
    uint64_t a = (*(const struct event *const *)left)->sequence;
    uint64_t b = (*(const struct event *const *)right)->sequence;
    return a < b ? -1 : a > b;
}

/* The file's events in order, replayed. */
static int replay(struct image *image)
{
    const struct event **list = malloc((image->count + 1) * sizeof(*list));
    size_t count = 0;
    int result = 0;
    if (list == NULL) {
        return fail(image, strerror(ENOMEM));
    }
    for (size_t i = 0; i < image->count; i++) {
        if (is_of_file(image, &image->events[i].event)) {
            list[count++] = &image->events[i].event;
        }
    }
    qsort(list, count, sizeof(*list), by_sequence);
    for (size_t i = 0; i < count && result == 0; i++) {
        const struct event *event = list[i];
        switch (event->arg[0]) {
        case FILE_OPEN: /* what it held before the run is on disk */
            if (i == 0 && event->arg[3] > 0) {
                result = add(image, &image->durable, 0, event->arg[3]);
                image->size = event->arg[3];
            }
            break;
        case FILE_WRITE:
        case FILE_WRITE_SYNCED:
            result = take_write(image, event);
            break;
        case FILE_TRUNCATE:
            result = take_cut(image, event);
            break;
        case FILE_MAP:
            result = fail(image, "it was mapped, and what was stored so is not known");
            break;
        default:
            break;
        }
    }
    free(list);
    return result;
}

/* ---- the copy ---- */

static int copy_range(struct image *image, const struct range *range, int from, int to)
{
    static char data[1 << 16];
    for (int64_t at = range->start; at < range->end;) {
        int64_t left = range->end - at;
        ssize_t got = pread(from, data, left < (int64_t)sizeof data ? (size_t)left : sizeof data, at);
        ssize_t put = got > 0 ? pwrite(to, data, (size_t)got, at) : 0;
        if (got < 0 || put < 0) {
            if (errno == EINTR) {
                continue;
            }
            return fail(image, strerror(errno));
        }
        if (put == 0) {
            return fail(image, "it is shorter than what was durable");
        }
        at += put;
    }
    return 0;
}

static int write_image(struct image *image, int from, int to)
{
    if (ftruncate(to, image->size) != 0) {
        return fail(image, strerror(errno));
    }
    for (size_t i = 0; i < image->durable.count; i++) {
        if (copy_range(image, &image->durable.list[i], from, to) != 0) {
            return -1;
        }
    }
    return 0;
}

enum image_result image_make(const struct report_event *events, size_t count, uint64_t identity,
                             uint64_t moment, int from, int to, char *why, size_t size)
{
    struct image image = {.events = events,
                          .count = count,
                          .identity = identity,
                          .moment = moment,
                          .why = why,
                          .why_size = size};
    enum image_result result = IMAGE_UNKNOWN;
    find_syncs(&image);
    if (replay(&image) != 0) {
        goto out;
    }
    merge(&image.durable);
    merge(&image.lost);
    if (overlap(&image.durable, &image.lost)) {
        fail(&image, "what was durable was overwritten later");
    } else if (image.lost.count == 0) {
        result = IMAGE_SAME;
    } else if (write_image(&image, from, to) == 0) {
        result = IMAGE_MADE;
    }
out:
    free(image.durable.list);
    free(image.lost.list);
    return result;
}
