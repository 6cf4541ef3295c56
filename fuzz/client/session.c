/* session.c - one life of the client: a world of the simulation, from the call of its entry point to the end of the
 * last statement; see world.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os.h"
#include "runstate.h"
#include "shared_event.h"
#include "sim.h"
#include "vdifault.h"
#include "world.h"

/* Of a program with LeakSanitizer. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

#define NS_PER_S INT64_C(1000000000)

enum {
    CANNOT = 3,            /* exit status: no session could be run (replay.c) */
    STEPS_MAX = 100 << 20, /* of one fiber between two VDI calls */
    SIGNAL_KILL = 9,
};
/* Without anything that a witness could tell: who has waited so long waits for what cannot come. Faults that take time
 * come on top. */
#define PATIENCE_NS (3600 * NS_PER_S)

struct world world;
static _Thread_local bool is_here;
static _Atomic bool is_running;
static _Thread_local uint32_t steps_out;
static uint64_t sessions;
static int first_file; /* descriptors from here on are the client's */

uint64_t world_count(void)
{
    return sessions;
}

/* --- for the other files --- */

bool world_is_inside(void)
{
    return is_here && steps_out == 0 && sim_self() != UINT32_MAX;
}

void world_step_out(void)
{
    steps_out++;
}

void world_step_in(void)
{
    steps_out--;
}

bool world_is_client(void)
{
    return world_is_inside() && os_process_self().pid == WORLD_CLIENT;
}

static void record_exit(int status, int signal, bool killed)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .process = WORLD_CLIENT,
                          .operation = -1,
                          .device = -1,
                          .arg = {status, signal, PROCESS_CLIENT, killed}};
    world.ended = true;
    world.status = status;
    world.signal = signal;
    event_record(&event, NULL);
}

_Noreturn void world_end_client(int status, int signal)
{
    record_exit(status, signal, false);
    sim_kill(WORLD_CLIENT);
    abort(); /* it does not return */
}

_Noreturn void __real__exit(int status); /* the program's own end, not the client's */

_Noreturn void world_refuse(const char *what, const char *instead)
{
    char text[WORLD_REFUSAL_MAX];
    snprintf(text, sizeof text, "the client uses %s, which a session in the simulation has not; expected: %s",
             what, instead);
    if (world.refusal != NULL) {
        memcpy(world.refusal, text, sizeof text);
    }
    fprintf(stderr, "vdifault: %s\n", text);
    __real__exit(CANNOT);
}

void world_check_thread(void)
{
    if (!is_here && atomic_load(&is_running)) {
        world_refuse("a thread of the system's for calls of VDI, or beside threads of the simulation",
                     "pthread_create in what is linked with --wrap; of a C++ library, -static-libstdc++");
    }
}

bool world_has_thread(void)
{
    world_check_thread();
    return world_is_inside();
}

void world_sleep(int64_t ns)
{
    _Atomic uint32_t nobody = 0;
    int64_t deadline = os_now() + (ns > 0 ? ns : 0);
    while (os_wait(&nobody, 0, deadline) == 0) {
    }
}

/* --- the client's folder --- */

static bool make_folder(void)
{
    const char *parent = getenv("TMPDIR");
    parent = parent != NULL ? parent : "/tmp";
    int length = snprintf(world.folder, sizeof world.folder, "%s/vdifault-client.XXXXXX", parent);
    return length < (int)sizeof world.folder && mkdtemp(world.folder) != NULL;
}

static void empty_folder(int parent, const char *name)
{
    int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = folder >= 0 ? fdopendir(folder) : NULL;
    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        bool own = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (!own && unlinkat(folder, entry->d_name, 0) != 0) {
            empty_folder(folder, entry->d_name);
            unlinkat(folder, entry->d_name, AT_REMOVEDIR);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    } else if (folder >= 0) {
        close(folder);
    }
}

static void remove_folder(void)
{
    empty_folder(AT_FDCWD, world.folder);
    rmdir(world.folder);
}

static void leave(void)
{
    if (world_is_client()) {
        world_refuse("an exit within a library (err, error)", "exit in what is linked with --wrap");
    }
    remove_folder();
}

/* Of a process of its own: waits for the fuzzer's end, and removes the folder then.
 * Between fork and exec it calls only what a copy of one thread of many may. */
_Noreturn static void remove_after(int fuzzer)
{
    struct pollfd end = {.fd = STDIN_FILENO, .events = POLLIN};
    (void)setsid(); /* Ctrl-C is for the fuzzer */
    (void)prctl(PR_SET_NAME, "vdifault-remove");
    dup2(fuzzer, STDIN_FILENO);
    close_range(STDIN_FILENO + 1, ~0U, 0); /* who reads the fuzzer's output waits for its end, not for ours */
    while (poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
    execl("/bin/rm", "rm", "-rf", "--", world.folder, (char *)NULL);
    __real__exit(1);
}

/* An engine ends by abort, _exit or a signal: functions given to atexit do not run then. A grandchild, so that nobody
 * who waits for children meets it. */
static void watch_folder(void)
{
    pid_t fuzzer = getpid();
    pid_t child = fork();
    if (child == 0) {
        int end = (int)syscall(SYS_pidfd_open, fuzzer, 0);
        if (end >= 0 && fork() == 0) {
            remove_after(end);
        }
        __real__exit(0);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

void world_open(void)
{
    static bool is_open;
    if (is_open) {
        return;
    }
    is_open = true;
    if (!make_folder()) {
        fprintf(stderr, "vdifault: no folder for the client's files: '%s': %s\n", world.folder,
                strerror(errno));
        __real__exit(CANNOT);
    }
    atexit(leave);
    watch_folder();
    event_set_spinning(false); /* it learns from one session for the next */
}

static int lowest_free_file(void)
{
    int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        close(file);
    }
    return file;
}

/* A client that was ended where it stood could not close its files; one that returns has left open what it wants. */
static void close_files(void)
{
    if (first_file > STDERR_FILENO && !world.returned) {
        close_range((unsigned)first_file, ~0U, 0);
    }
}

/* --- the session --- */

static void client_body(void *context)
{
    (void)context;
    int status = vdifault_client(world.folder);
    world.returned = true;
    world_end_client(status & 0xFF, 0);
}

static const char *explain_wait(char *text, size_t size)
{
    sim_explain(0, text, size);
    return text;
}

/* What waits for ever in the core does so in slices: it is the clock that says that nothing came. */
static void end_hung_client(enum sim_end end)
{
    char text[256];
    struct event event = {.kind = EVENT_HANG,
                          .side = EVENT_SIDE_SUPERVISOR,
                          .process = WORLD_CLIENT,
                          .operation = -1,
                          .device = -1,
                          .arg = {end == SIM_STUCK ? HANG_CERTAIN : HANG_PATIENCE}};
    event_record(&event, explain_wait(text, sizeof text));
    record_exit(-1, SIGNAL_KILL, true);
    sim_kill(WORLD_CLIENT);
}

static void note_leftovers(void)
{
    char name[OS_NAME_MAX] = "";
    if (sim_names(name) > 0 && world.signal == 0) {
        struct event event = {.kind = EVENT_LEFTOVER,
                              .side = EVENT_SIDE_SUPERVISOR,
                              .process = WORLD_CLIENT,
                              .operation = -1,
                              .device = -1,
                              .arg = {LEFTOVER_MEMORY}};
        event_record(&event, name);
    }
}

static int64_t patience(void)
{
    int64_t longest = 0;
    for (uint32_t i = 0; i < world.plan->fault_count; i++) {
        int64_t ms = world.plan->faults[i].arg[FAULT_ARG_MS];
        longest = ms > longest ? ms : longest;
    }
    return PATIENCE_NS + longest * (NS_PER_S / 1000);
}

/* Until nobody can go on, or nothing happens but that clocks are looked at. Where events find no room any more, as those
 * of a client that polls a slow server, it is the commands that tell whether it gets on. */
static enum sim_end run_fibers(void)
{
    enum sim_end end;
    uint64_t before, after = 0;
    do {
        before = after;
        end = sim_run(sim_time() + patience());
        after = run_event_count() + run_answer_count();
    } while (end == SIM_QUIET && !world.ended && after > before);
    return end;
}

static void play(void)
{
    const struct sim_options options = {
        .seed = world.plan->seed, .steps_max = STEPS_MAX, .apart = buffers_are_guarded()};
    sim_begin(&options);
    is_here = true;
    atomic_store(&is_running, true);
    sim_start(WORLD_CLIENT, "client", client_body, NULL);
    if (__lsan_disable != NULL) {
        __lsan_disable(); /* what a client's exit leaves behind is no leak of its program */
    }
    enum sim_end end = run_fibers();
    if (!world.ended) {
        end_hung_client(end);
    }
    close_files();
    sim_run(sim_time() + patience());
    note_leftovers();
    run_record(false);
    statements_release();
    sim_run(sim_time() + patience());
    if (__lsan_enable != NULL) {
        __lsan_enable();
    }
    statements_free();
    is_here = false;
    atomic_store(&is_running, false);
    sim_end();
}

void world_run(const struct plan *plan, struct verdict *verdict, FILE *out, enum world_report report)
{
    if (world_is_inside()) {
        world_refuse("vdifault_session", "one session at a time, begun outside of vdifault_client");
    }
    world_open();
    sessions++;
    empty_folder(AT_FDCWD, world.folder); /* of what the last client left, however it ended */
    (void)mkdir(world.folder, S_IRWXU); /* another process of the same fuzzer may have ended and removed it */
    world.plan = plan;
    world.ended = world.returned = false;
    run_reset();
    interposer_reset(plan);
    statements_reset();
    threads_reset();
    polls_reset();
    buffers_reset();
    first_file = lowest_free_file();
    play();
    verdict_reach(plan, verdict, out, report);
}
