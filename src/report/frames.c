/* frames.c - see frames.h. */
#include "frames.h"

#include <stdio.h>
#include <string.h>

enum {
    STABLE_NAMES = 3 /* enough to tell two callers of one helper apart */
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static bool is_ours(const struct symbols_place *place)
{
    return starts_with(place->module, "libvdifault");
}

/* A function of the C or C++ library or of a sanitizer, not the client's own. */
static bool is_runtime(const struct symbols_place *place)
{
    static const char *const modules[] = {"libc.so",  "libc-2",      "libpthread", "ld-linux",   "libstdc++",
                                          "libc++",   "libgcc_s",    "libasan.so", "libtsan.so", "liblsan.so",
                                          "libubsan", "libclang_rt", "linux-vdso"};

    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++) {
        if (starts_with(place->module, modules[i])) {
            return true;
        }
    }
    return false;
}

static bool is_named(const struct symbols_place *place, const char *name)
{
    return place->function && strcmp(place->function, name) == 0;
}

/* What comes above main: by its name or, in a program without names, by what the C library calls main with. */
static size_t find_top(const struct frames *frames)
{
    size_t count = frames->count;

    for (size_t i = count; i-- > 0;) {
        if (is_named(frames->at[i], "main") && !is_runtime(frames->at[i])) {
            return i + 1;
        }
    }
    if (count >= 3 && !is_runtime(frames->at[count - 1]) && is_runtime(frames->at[count - 2])) {
        count--; /* _start */
    }
    while (count > 1 && is_runtime(frames->at[count - 1])) {
        count--;
    }
    return count;
}

void frames_read(struct symbols *symbols, const struct stack *stack, struct frames *frames)
{
    frames->count = 0;
    for (uint32_t i = 0; stack && i < stack->frame_count; i++) {
        const struct stack_frame *frame = &stack->frames[i];
        const struct symbols_place *place = symbols_find(symbols, frame->module, frame->base, frame->address);

        for (; place && frames->count < FRAMES_MAX && !is_ours(place); place = place->caller) {
            frames->at[frames->count++] = place;
        }
    }
    frames->count = find_top(frames);
}

const struct symbols_place *frames_own(const struct frames *frames)
{
    for (size_t i = 0; i < frames->count; i++) {
        if (frames->at[i]->function && !is_runtime(frames->at[i])) {
            return frames->at[i];
        }
    }
    return NULL;
}

void frames_stable_text(const struct frames *frames, char *text, size_t size)
{
    size_t used = 0;
    int names = 0;

    text[0] = '\0';
    for (size_t i = 0; i < frames->count && names < STABLE_NAMES; i++) {
        const struct symbols_place *place = frames->at[i];

        if (place->function && !is_runtime(place) && used < size) {
            used += (size_t)snprintf(text + used, size - used, "%s%s", names ? "|" : "", place->function);
            names++;
        }
    }
    if (names == 0 && frames->count > 0 && strcmp(frames->at[0]->module, "?") != 0) {
        /* without a module the address says nothing that lasts */
        snprintf(text, size, "%s+0x%llx", frames->at[0]->module, (unsigned long long)frames->at[0]->offset);
    }
}
