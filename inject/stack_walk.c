/* stack_walk.c - see stack_walk.h.
 *
 * Return addresses alone do not tell all: where the caller's lies follows from a return address only if the
 * function's frame has one size, as compilers' tables say it by "stack pointer + n". Functions whose frame
 * varies (alloca, locals of large alignment) keep a frame pointer; then the frame pointer of that very call is
 * looked at as well. Where it lies is known: a function that saves it does so next to its return address, and
 * what nobody saved before stack_of_call, that saves. */
#include "stack_walk.h"

#include <stddef.h>

#include "unwind.h"

static const stack_word *word_at(uint64_t address)
{
    return (const stack_word *)(uintptr_t)address;
}

static void add_check(struct stack_walk *walk, uint64_t at, bool relative)
{
    uint64_t base = (uint64_t)(uintptr_t)walk->base;
    int64_t distance = (int64_t)(at - base) / (int64_t)sizeof(stack_word);
    if (walk->check_count == STACK_CHECKS_MAX || distance > INT32_MAX) {
        walk->comparable = false;
        return;
    }
    walk->checks[walk->check_count++] = (struct stack_check){
        .value = *word_at(at) - (relative ? base : 0), .distance = (int32_t)distance, .relative = relative};
}

/* The outermost word with this value in [from, to), or 0. */
static uint64_t find_word(uint64_t from, uint64_t to, uint64_t value)
{
    for (uint64_t at = to - sizeof(stack_word); at >= from; at -= sizeof(stack_word)) {
        if (*word_at(at) == value) {
            return at;
        }
    }
    return 0;
}

/* The register points into the frame of the function between the two slots: is it as a frame pointer? It is if
 * it points to where the register's old value was pushed, below the return address, or, where alignment took
 * room between the two, if the frame's end is kept in the frame: nobody could find it otherwise. */
static void check_pointer(struct stack_walk *walk, uint64_t next_slot)
{
    uint64_t own = (uint64_t)(uintptr_t)walk->base - sizeof(stack_word); /* stack_of_call's saved one */
    uint64_t end = next_slot + sizeof(stack_word);
    bool usual = walk->pointer + 2 * sizeof(stack_word) == end;
    uint64_t kept = usual ? 0 : find_word(walk->slot + sizeof(stack_word), next_slot, end);
    if (!usual && kept == 0) {
        return; /* any other use of the register: the frame has one size */
    }
    uint64_t saved = find_word(own, walk->slot, walk->pointer);
    if (saved == 0) {
        walk->comparable = false;
        return;
    }
    add_check(walk, saved, true);
    if (kept != 0) {
        add_check(walk, kept, true);
    }
}

static void check_frame(struct stack_walk *walk, const struct unwind_frame *frame)
{
    uint64_t base = (uint64_t)(uintptr_t)walk->base;
    bool first = walk->check_count == 0;
    if (base == 0 || frame->slot == 0 || (first ? frame->slot != base : frame->slot <= walk->slot) ||
        *word_at(frame->slot) != frame->address) {
        walk->comparable = false; /* another stack from here on, or not a plain call */
        return;
    }
    if (!first && walk->pointer > walk->slot && walk->pointer < frame->slot + sizeof(stack_word)) {
        check_pointer(walk, frame->slot);
    }
    add_check(walk, frame->slot, false);
    walk->slot = frame->slot;
    walk->pointer = frame->pointer;
}

static bool visit(void *context, const struct unwind_frame *frame)
{
    struct stack_walk *walk = context;
    bool clients =
        walk->frame_count > 0 || (frame->address == walk->wanted && frame->interrupted == walk->interrupted);
    bool deeper = frame->slot < (uint64_t)(uintptr_t)walk->base; /* than where words are counted from */
    if (walk->comparable && !deeper) {
        check_frame(walk, frame);
    }
    if (clients) {
        walk->frames[walk->frame_count++] = frame->interrupted ? frame->address : frame->address - 1;
    }
    return walk->frame_count < STACK_FRAMES_MAX;
}

void stack_walk(struct stack_walk *walk)
{
    walk->frame_count = walk->check_count = 0;
    walk->comparable = walk->base != NULL;
    unwind_stack(visit, walk);
    if (walk->frame_count == 0) { /* no unwinder, or it did not get as far: what is known without it */
        walk->comparable = false;
        walk->frame_count = 1;
        walk->frames[0] = walk->interrupted ? walk->wanted : walk->wanted - 1;
    }
}
