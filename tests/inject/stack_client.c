/* stack_client.c - calls VDI from many places and writes down, for each call, where it came from, as
 * unwinding right there tells: "THREAD FRAME FRAME..." a line, innermost first, into the file STACK_OUT. The
 * innermost frame is left out: there the two differ by a few instructions.
 *
 *   walk       random call chains, some with frames of varying size, in four threads
 *   coroutine  the same on stacks of its own, in turn
 *   signal     out of a handler, which has a stack of its own
 *   fork       the same chains in a parent and its child
 *   bare       through code without unwind tables
 */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "vdi.h"

enum {
    THREADS = 4,
    WALKS = 75, /* one thread may have to explain each, and nobody collects: a ring holds about 120 */
    STEPS_MAX = 9,
    FRAMES_MAX = 64,
    STACK_BYTES = 256 * 1024
};

#define APART __attribute__((noinline))

struct walk {
    ClientVirtualDeviceSet set;
    uint64_t choices; /* of the whole walk: which way, eight bits a step */
    int left;
};

static FILE *out;

#ifdef __cplusplus
#define INIT(set)
#define ABORT(set) (set)->SignalAbort()
extern "C" int stack_bare(int (*call)(unsigned), unsigned number);
#else
#define INIT(set)  vdi_set_init(set)
#define ABORT(set) vdi_set_signal_abort(set)
int stack_bare(int (*call)(unsigned), unsigned number);
#endif

/* Not a tail call, whatever the optimiser thinks. */
#define THEN_RETURN(value)                        \
    do {                                          \
        int result_ = (value);                    \
        __asm__ __volatile__("" : "+r"(result_)); \
        return result_;                           \
    } while (0)

struct trace {
    int count;
    _Unwind_Ptr frames[FRAMES_MAX];
};

static _Unwind_Reason_Code take(struct _Unwind_Context *at, void *argument)
{
    struct trace *trace = (struct trace *)argument;
    _Unwind_Ptr frame = _Unwind_GetIP(at);
    if (frame == 0 || trace->count == FRAMES_MAX) {
        return _URC_END_OF_STACK;
    }
    trace->frames[trace->count++] = frame;
    return _URC_NO_REASON;
}

APART static int leaf(struct walk *walk)
{
    struct trace trace;
    trace.count = 0;
    _Unwind_Backtrace(take, &trace);
    int result = ABORT(&walk->set);
    flockfile(out);
    fprintf(out, "%ld", (long)syscall(SYS_gettid));
    for (int i = 1; i < trace.count; i++) {
        fprintf(out, " %llx", (unsigned long long)trace.frames[i]);
    }
    fputc('\n', out);
    funlockfile(out);
    THEN_RETURN(result);
}

typedef int step_function(struct walk *);
static step_function left_step, right_step, wide_step, aligned_step;

APART static int next_step(struct walk *walk)
{
    static step_function *const steps[] = {left_step, right_step, wide_step, aligned_step};
    unsigned choice = (unsigned)(walk->choices >> walk->left * 7 & 3);
    if (walk->left-- == 0) {
        THEN_RETURN(leaf(walk));
    }
    THEN_RETURN(steps[choice](walk));
}

APART static int left_step(struct walk *walk)
{
    THEN_RETURN(next_step(walk));
}

APART static int right_step(struct walk *walk)
{
    if ((walk->choices >> walk->left & 1) != 0) {
        THEN_RETURN(next_step(walk));
    }
    THEN_RETURN(left_step(walk));
}

APART static int wide_step(struct walk *walk)
{
    size_t size = 16 + (walk->choices >> 40 & 3) * 512; /* the frame varies in size */
    char *room = (char *)alloca(size);
    memset(room, (int)size, size);
    __asm__ __volatile__("" : : "r"(room) : "memory");
    THEN_RETURN(next_step(walk));
}

APART static int aligned_step(struct walk *walk)
{
    char room[256]
        __attribute__((aligned(64))); /* how far it is to the caller depends on where the stack is */
    memset(room, walk->left, sizeof room);
    __asm__ __volatile__("" : : "r"(room) : "memory");
    THEN_RETURN(next_step(walk));
}

/* A few dozen walks, each many times. */
static void one_walk(unsigned number)
{
    struct walk walk;
    uint64_t seed = (number % 37 + 1) * 0x9e3779b97f4a7c15u;
    INIT(&walk.set);
    walk.choices = seed ^ seed >> 29;
    walk.left = (int)(number % STEPS_MAX);
    next_step(&walk);
}

static void *many_walks(void *unused)
{
    (void)unused;
    for (unsigned i = 0; i < WALKS; i++) {
        one_walk(i);
    }
    return NULL;
}

static void walk_in_threads(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, many_walks, NULL);
    }
    many_walks(NULL);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* ---- stacks of its own ---- */

static ucontext_t home, contexts[THREADS];

static void coroutine(int number)
{
    for (unsigned i = 0; i < WALKS; i++) {
        one_walk(i);
        bool last = number + 1 == THREADS && i + 1 == WALKS;
        swapcontext(&contexts[number], last ? &home : &contexts[(number + 1) % THREADS]);
    }
}

static void start_coroutine(int number)
{
    ucontext_t *context = &contexts[number];
    getcontext(context);
    context->uc_stack.ss_sp = malloc(STACK_BYTES);
    context->uc_stack.ss_size = STACK_BYTES;
    makecontext(context, (void (*)(void))coroutine, 1, number);
}

static void walk_in_coroutines(void)
{
    for (int i = 0; i < THREADS; i++) {
        start_coroutine(i);
    }
    swapcontext(&home, &contexts[0]);
    for (int i = 0; i < THREADS; i++) {
        free(contexts[i].uc_stack.ss_sp);
    }
}

/* ---- handlers ---- */

static void on_signal(int number)
{
    (void)number;
    one_walk(5);
}

APART static int walk_in_handler(void)
{
    static char room[STACK_BYTES];
    stack_t stack = {.ss_sp = room, .ss_flags = 0, .ss_size = sizeof room};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 20; i++) {
        raise(SIGUSR1);
        one_walk((unsigned)i);
    }
    THEN_RETURN(0);
}

/* ---- and the rest ---- */

static void walk_in_child(void)
{
    many_walks(NULL);
    fflush(out);
    if (fork() == 0) {
        many_walks(NULL);
        fflush(out);
        _exit(0);
    }
    wait(NULL);
}

APART static int called_back(unsigned number)
{
    one_walk(number);
    THEN_RETURN(0);
}

int main(int argc, char **argv)
{
    const char *path = getenv("STACK_OUT");
    const char *what = argc > 1 ? argv[1] : "walk";
    out = path == NULL ? NULL : fopen(path, "w");
    if (out == NULL) {
        return 90;
    }
    if (strcmp(what, "walk") == 0) {
        walk_in_threads();
    } else if (strcmp(what, "coroutine") == 0) {
        walk_in_coroutines();
    } else if (strcmp(what, "signal") == 0) {
        walk_in_handler();
    } else if (strcmp(what, "fork") == 0) {
        walk_in_child();
    } else if (strcmp(what, "bare") == 0) {
        for (unsigned i = 0; i < 20; i++) {
            stack_bare(called_back, i % 2);
        }
    }
    fclose(out);
    return 0;
}
