/* test_cli_image.c - files as they would be on disk: image.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "image.h"

enum {
    EVENTS_MAX = 16,
    SINK = 7,
    SEQUENCE_STEP = 10, /* an event's sequence is its place in the list times this */
};

/* One event: action, offset, length; for a sync's end the place of its begin instead. */
struct step {
    int action;
    int64_t at;
    int64_t length;
    uint64_t file; /* 0: SINK */
};

struct story {
    const char *name;
    const char *content; /* at the end of the run */
    size_t moment;       /* before the step of this place */
    struct step steps[EVENTS_MAX];
    enum image_result result;
    const char *image; /* '0' stands for a zero byte */
};

static const struct story stories[] = {
    {"nothing was synced", "abcdef", 2, {{FILE_OPEN, 0, 0, 0}, {FILE_WRITE, 0, 6, 0}}, IMAGE_MADE, ""},
    {"all was synced",
     "abcdef",
     3,
     {{FILE_WRITE, 0, 6, 0}, {FILE_SYNC_BEGIN, 0, 0, 0}, {FILE_SYNC_END, 1, 0, 0}},
     IMAGE_SAME,
     NULL},
    {"a part was",
     "abcdef",
     4,
     {{FILE_WRITE, 0, 3, 0}, {FILE_SYNC_BEGIN, 0, 0, 0}, {FILE_WRITE, 3, 3, 0}, {FILE_SYNC_END, 1, 0, 0}},
     IMAGE_MADE,
     "abc"},
    {"the sync came too late",
     "abcdef",
     2,
     {{FILE_WRITE, 0, 6, 0}, {FILE_SYNC_BEGIN, 0, 0, 0}, {FILE_SYNC_END, 1, 0, 0}},
     IMAGE_MADE,
     ""},
    {"of another file",
     "abcdef",
     3,
     {{FILE_WRITE, 0, 6, 0}, {FILE_SYNC_BEGIN, 0, 0, 99}, {FILE_SYNC_END, 1, 0, 99}},
     IMAGE_MADE,
     ""},
    {"of all files",
     "abcdef",
     3,
     {{FILE_WRITE, 0, 6, 0}, {FILE_SYNC_BEGIN, 0, 0, 99}, {FILE_SYNC_ALL_END, 1, 0, 99}},
     IMAGE_SAME,
     NULL},
    {"through O_DSYNC",
     "abcdef",
     2,
     {{FILE_WRITE_SYNCED, 3, 3, 0}, {FILE_WRITE, 0, 3, 0}},
     IMAGE_MADE,
     "000def"},
    {"the older content stays",
     "abcdef",
     2,
     {{FILE_OPEN, 4, 0, 0}, {FILE_WRITE, 4, 2, 0}},
     IMAGE_MADE,
     "abcd"},
    {"... but not where it was overwritten",
     "abcdef",
     2,
     {{FILE_OPEN, 4, 0, 0}, {FILE_WRITE, 3, 3, 0}},
     IMAGE_UNKNOWN,
     NULL},
    {"overwritten after the moment",
     "abcdef",
     3,
     {{FILE_WRITE, 0, 6, 0}, {FILE_SYNC_BEGIN, 0, 0, 0}, {FILE_SYNC_END, 1, 0, 0}, {FILE_WRITE, 2, 1, 0}},
     IMAGE_UNKNOWN,
     NULL},
    {"cut after the moment",
     "abc",
     3,
     {{FILE_WRITE, 0, 6, 0}, {FILE_SYNC_BEGIN, 0, 0, 0}, {FILE_SYNC_END, 1, 0, 0}, {FILE_TRUNCATE, 6, 3, 0}},
     IMAGE_UNKNOWN,
     NULL},
    {"cut in time",
     "abcXYZ",
     5,
     {{FILE_WRITE, 0, 6, 0},
      {FILE_TRUNCATE, 6, 3, 0},
      {FILE_SYNC_BEGIN, 0, 0, 0},
      {FILE_SYNC_END, 2, 0, 0},
      {FILE_WRITE, 3, 3, 0}},
     IMAGE_MADE,
     "abc"},
    {"a place unknown", "abc", 1, {{FILE_WRITE, -1, 3, 0}}, IMAGE_UNKNOWN, NULL},
    {"mapped", "abc", 2, {{FILE_WRITE, 0, 3, 0}, {FILE_MAP, 0, 3, 0}}, IMAGE_UNKNOWN, NULL},
};

static size_t tell(const struct story *story, struct report_event *events)
{
    size_t count = 0;
    for (const struct step *step = story->steps; step->action != 0; step++, count++) {
        struct event *event = &events[count].event;
        bool ends = step->action == FILE_SYNC_END || step->action == FILE_SYNC_ALL_END;
        bool writes = step->action == FILE_WRITE || step->action == FILE_WRITE_SYNCED;
        *event = (struct event){.kind = EVENT_FILE, .sequence = (count + 1) * SEQUENCE_STEP};
        event->call = ends ? ((uint64_t)step->at + 1) * SEQUENCE_STEP : 0;
        event->arg[0] = step->action;
        event->arg[2] = step->file != 0 ? (int64_t)step->file : SINK;
        event->arg[3] = step->at;
        event->arg[4] = step->length;
        event->arg[5] = writes ? step->length : 0;
    }
    return count;
}

static void check(const struct story *story)
{
    struct report_event events[EVENTS_MAX];
    char why[160] = "", image[64] = "";
    FILE *from = tmpfile(), *to = tmpfile();
    assert_non_null(from);
    assert_non_null(to);
    fputs(story->content, from);
    fflush(from);
    size_t count = tell(story, events);
    enum image_result result = image_make(events, count, SINK, story->moment * SEQUENCE_STEP + 1,
                                          fileno(from), fileno(to), why, sizeof why);
    ssize_t length = pread(fileno(to), image, sizeof image - 1, 0);
    for (ssize_t i = 0; i < length; i++) {
        image[i] = image[i] == '\0' ? '0' : image[i];
    }
    if (result != story->result || (story->image != NULL && strcmp(image, story->image) != 0)) {
        fail_msg("%s: result %d instead of %d, image '%s' instead of '%s' (%s)", story->name, (int)result,
                 (int)story->result, image, story->image != NULL ? story->image : "", why);
    }
    assert_int_equal(result == IMAGE_UNKNOWN, why[0] != '\0');
    fclose(from);
    fclose(to);
}

static void every_story(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        check(&stories[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_story)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
