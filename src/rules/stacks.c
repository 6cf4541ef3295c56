/* stacks.c - the client's call stacks, as the witnesses explain them. */
#include <stdlib.h>
#include <string.h>

#include "state.h"

enum {
    FRAMES_MAX = 128
};

void stacks_take_module(struct checker *checker, const struct event *event, const char *text)
{
    struct module *module;

    if (checker->module_count >= MODULES_MAX) {
        return;
    }
    module = calloc(1, sizeof *module);
    if (!module) {
        checker->out_of_memory = true;
        return;
    }
    *module = (struct module){.next = checker->modules,
                              .base = (uint64_t)event->arg[0],
                              .start = (uint64_t)event->arg[1],
                              .end = (uint64_t)event->arg[2],
                              .process = event->process,
                              .path = text[0] ? state_copy_text(checker, text) : NULL};
    checker->modules = module;
    checker->module_count++;
}

/* The newest module at the address: what was unloaded makes room for others. */
static const struct module *find_module(const struct checker *checker, uint32_t process, uint64_t address)
{
    for (const struct module *module = checker->modules; module; module = module->next) {
        if (module->process == process && address >= module->start && address < module->end) {
            return module;
        }
    }
    return NULL;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x9e3779b97f4a7c15u ^ hash >> 29;
}

static uint64_t frame_place(const struct stack_frame *frame)
{
    uint64_t hash = frame->address - frame->base;

    for (const char *at = frame->module ? frame->module : ""; *at; at++) {
        hash = mix(hash, (unsigned char)*at);
    }
    return hash;
}

static struct stack_frame resolve(const struct checker *checker, uint32_t process, uint64_t address)
{
    const struct module *module = find_module(checker, process, address);

    return (struct stack_frame){
        .module = module ? module->path : NULL, .base = module ? module->base : 0, .address = address};
}

void stacks_take_stack(struct checker *checker, const struct event *event, const char *text)
{
    uint64_t addresses[FRAMES_MAX];
    uint32_t count = 0;
    struct stack *stack;
    char *end;

    for (const char *at = text; count < FRAMES_MAX && *at; at = end) {
        addresses[count] = strtoull(at, &end, 16);
        if (end == at) {
            break;
        }
        count++;
    }
    if (count == 0 || event->stack == 0 || checker->stack_count >= STACKS_MAX) {
        return;
    }
    stack = calloc(1, sizeof *stack + count * sizeof stack->frames[0]);
    if (!stack) {
        checker->out_of_memory = true;
        return;
    }
    *stack = (struct stack){
        .next = checker->stacks, .number = event->stack, .process = event->process, .frame_count = count};
    for (uint32_t i = 0; i < count; i++) {
        stack->frames[i] = resolve(checker, event->process, addresses[i]);
        stack->place = mix(stack->place, frame_place(&stack->frames[i]));
    }
    checker->stacks = stack;
    checker->stack_count++;
}

const struct stack *stacks_find(const struct checker *checker, uint32_t number)
{
    for (const struct stack *stack = checker->stacks; number && stack; stack = stack->next) {
        if (stack->number == number) {
            return stack;
        }
    }
    return NULL;
}

const struct stack *checker_stack(const struct checker *checker, uint32_t number)
{
    return stacks_find(checker, number);
}
