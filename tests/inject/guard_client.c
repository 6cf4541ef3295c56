/* guard_client.c - a VDI client that touches what it must not, as its arguments say, in this order:
 *
 *   open[:PREFIX]  init, Create (alignment 512), GetConfiguration and OpenDevice of one device
 *   get  complete[:BYTES]  abort  close  destroy  create-again
 *   loop:N                         get and complete, N times
 *   read:OFFSET  write:OFFSET      a byte of the buffer fetched last, from its start
 *   read-kept  write-kept  keep    of the buffer that was the last one at `keep`
 *   fill                           all of the buffer and no more; 80 if it does not then hold that
 *   expect:BYTE                    81 unless the buffer's first byte is that
 *   read-block:OFFSET  write-block:OFFSET
 *   beside:VERB                    the same by another thread, of which it is the first deed
 *   child:VERB                     likewise by a child process
 *   call-write  call-read          as libvdifault-sys.so does around a system call on the whole buffer; 82 if the
 *                                  call fails
 *   fetch-of:WANTED                83 unless vdifault_guard_fetch_of finds (1) or does not find (0) the buffer's
 *                                  command
 *   own:HOW        sets a handler of SIGSEGV by sigaction, signal, sysv (once), onstack, small (on a stack of
 *                  8 KiB), or to jump out of it
 *   is-own         84 unless sigaction says that this is the handler
 *   crash          reads where nothing is, and 85 unless the own handler was called
 *   block          blocks all signals
 *   handler:VERB   the same in a handler of SIGUSR1 that blocks all others
 *   forbid         lets process_vm_readv and _writev fail, as some containers do
 *   start:VERB  join   by another thread, which sleeps when `start` ends; join waits for its end
 *   many:N         N threads, each on a set and a device of its own: get, touch, complete, until VD_E_CLOSE; the
 *                  odd ones then read the last buffer once more
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard_client.h"
#include "vdi.h"
#include "witness.h"

enum {
    BUFFER = 4096,
    THREADS_MAX = 32
};

#pragma weak vdifault_guard_touch
#pragma weak vdifault_guard_fetch_of

struct client {
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device;
    VDC_Command *command;
    uint8_t *buffer;
    uint8_t *kept;
    size_t size;
    char name[32];
};
static struct client whole = {.name = "set"};

/* One access of one instruction, that no compiler leaves out. */
static uint8_t load(const uint8_t *address)
{
    uint8_t value;
    __asm__ __volatile__("" : "+r"(address));
    __builtin_memcpy(&value, address, 1);
    __asm__ __volatile__("" : : "r"(value) : "memory");
    return value;
}

static void store(uint8_t *address)
{
    __asm__ __volatile__("" : "+r"(address));
    *address = 0x77;
    __asm__ __volatile__("" : : : "memory");
}

static int open_set(struct client *client, long prefix, const char *rest)
{
    VDConfig config = {.deviceCount = 1, .alignment = 512, .prefixZoneSize = (uint32_t)prefix};
    (void)rest;
    vdi_set_init(&client->set);
    if (vdi_set_create(&client->set, client->name, &config) != 0 || config.alignment != 512 ||
        vdi_set_get_configuration(&client->set, 1000, &config) != 0 || config.alignment != 512) {
        return 70;
    }
    return vdi_set_open_device(&client->set, client->name, &client->device) == 0 ? 0 : 71;
}

static int create_again(struct client *client, long number, const char *rest)
{
    VDConfig config = {.deviceCount = 1, .alignment = 512};
    (void)number;
    (void)rest;
    return vdi_set_create(&client->set, client->name, &config);
}

static int get(struct client *client, long number, const char *rest)
{
    VDC_Command *command = NULL;
    (void)number;
    (void)rest;
    int result = vdi_device_get_command(client->device, 1000, &command);
    if (result == 0) {
        client->command = command;
        client->buffer = command->buffer;
        client->size = (size_t)command->size;
    }
    return 0;
}

static int complete(struct client *client, long bytes, const char *rest)
{
    vdi_device_complete_command(client->device, client->command, 0,
                                rest == NULL ? client->size : (unsigned long)bytes, 0);
    return 0;
}

static int loop(struct client *client, long count, const char *rest)
{
    (void)rest;
    for (long i = 0; i < count; i++) {
        get(client, 0, NULL);
        complete(client, 0, NULL);
    }
    return 0;
}

static int do_abort(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    vdi_set_signal_abort(&client->set);
    return 0;
}

static int do_close(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    vdi_set_close(&client->set);
    return 0;
}

static int destroy(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    vdi_set_destroy(&client->set);
    return 0;
}

static int read_byte(struct client *client, long offset, const char *rest)
{
    (void)rest;
    load(client->buffer + offset);
    return 0;
}

static int write_byte(struct client *client, long offset, const char *rest)
{
    (void)rest;
    store(client->buffer + offset);
    return 0;
}

static int keep(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    client->kept = client->buffer;
    return 0;
}

static int read_kept(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    load(client->kept);
    return 0;
}

static int write_kept(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    store(client->kept);
    return 0;
}

static int fill(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    memset(client->buffer, 0x33, client->size);
    return client->buffer[client->size - 1] == 0x33 ? 0 : 80;
}

static int expect(struct client *client, long byte, const char *rest)
{
    (void)rest;
    return load(client->buffer) == (uint8_t)byte ? 0 : 81;
}

static int read_block(struct client *client, long offset, const char *rest)
{
    (void)rest;
    load((const uint8_t *)client->command + offset);
    return 0;
}

static int write_block(struct client *client, long offset, const char *rest)
{
    (void)rest;
    store((uint8_t *)client->command + offset);
    return 0;
}

static int call_write(struct client *client, long number, const char *rest)
{
    int ends[2];
    (void)number;
    (void)rest;
    if (vdifault_guard_touch == NULL || pipe(ends) != 0) {
        return 79;
    }
    vdifault_guard_touch(client->buffer, client->size, 0, "write");
    ssize_t done = write(ends[1], client->buffer, client->size);
    close(ends[0]);
    close(ends[1]);
    return done == (ssize_t)client->size ? 0 : 82;
}

static int call_read(struct client *client, long number, const char *rest)
{
    (void)number;
    (void)rest;
    FILE *zero = fopen("/dev/zero", "r");
    if (vdifault_guard_touch == NULL || zero == NULL) {
        return 79;
    }
    vdifault_guard_touch(client->buffer, client->size, 1, "read");
    ssize_t done = read(fileno(zero), client->buffer, client->size);
    fclose(zero);
    return done == (ssize_t)client->size ? 0 : 82;
}

static int fetch_of(struct client *client, long wanted, const char *rest)
{
    (void)rest;
    if (vdifault_guard_fetch_of == NULL) {
        return 79;
    }
    bool found = vdifault_guard_fetch_of(client->buffer) != 0 &&
                 vdifault_guard_fetch_of(client->buffer + client->size - 1) != 0;
    return found == (wanted != 0) && vdifault_guard_fetch_of(client->buffer + BUFFER) == 0 ? 0 : 83;
}

/* ---- others ---- */

static int run(struct client *client, char *words);

struct beside {
    struct client *client;
    char *words;
    int status;
};

static void *do_beside(void *context)
{
    struct beside *beside = context;
    beside->status = run(beside->client, beside->words);
    return NULL;
}

static int beside(struct client *client, long number, const char *rest)
{
    struct beside other = {.client = client, .words = (char *)rest};
    pthread_t thread;
    (void)number;
    if (pthread_create(&thread, NULL, do_beside, &other) != 0) {
        return 78;
    }
    pthread_join(thread, NULL);
    return other.status;
}

static struct beside in_handler;
/* raise() is a leaf function to the compiler: it would not look at a plain variable again. */
static _Atomic int handler_status;

static void do_in_handler(int number)
{
    (void)number;
    atomic_store(&handler_status, run(in_handler.client, in_handler.words));
}

static int handler(struct client *client, long number, const char *rest)
{
    struct sigaction action = {.sa_handler = do_in_handler};
    (void)number;
    in_handler = (struct beside){.client = client, .words = (char *)rest};
    atomic_store(&handler_status, 78);
    sigfillset(&action.sa_mask);
    return sigaction(SIGUSR1, &action, NULL) == 0 && raise(SIGUSR1) == 0 ? atomic_load(&handler_status) : 78;
}

static struct beside started;
static pthread_t started_thread;
static _Atomic int started_number;

static void *do_start(void *context)
{
    started_number = (int)syscall(SYS_gettid);
    return do_beside(context);
}

/* 'S': it waits for something. */
static char state_of(int thread)
{
    char path[64], line[256] = "", *state = NULL;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    FILE *file = thread == 0 ? NULL : fopen(path, "r");
    if (file != NULL) {
        state = fgets(line, sizeof line, file) == NULL ? NULL : strrchr(line, ')');
        fclose(file);
    }
    return state == NULL ? '?' : state[2];
}

static int start(struct client *client, long number, const char *rest)
{
    (void)number;
    started = (struct beside){.client = client, .words = (char *)rest};
    if (pthread_create(&started_thread, NULL, do_start, &started) != 0) {
        return 78;
    }
    for (time_t until = time(NULL) + 20; state_of(started_number) != 'S';) {
        if (time(NULL) > until) {
            return 74;
        }
        sched_yield();
    }
    return 0;
}

static int join(struct client *client, long number, const char *rest)
{
    (void)client;
    (void)number;
    (void)rest;
    return pthread_join(started_thread, NULL) == 0 ? started.status : 78;
}

static int child(struct client *client, long number, const char *rest)
{
    int status = -1;
    (void)number;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(run(client, (char *)rest));
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 77;
}

static void *whole_life(void *context)
{
    struct client client = {0};
    intptr_t number = (intptr_t)context;
    snprintf(client.name, sizeof client.name, "set%d", (int)number);
    if (open_set(&client, 0, NULL) != 0) {
        return context == NULL ? &whole : context;
    }
    for (;;) {
        client.command = NULL;
        get(&client, 0, NULL);
        if (client.command == NULL) {
            break;
        }
        if (client.buffer != NULL) {
            client.kept = client.buffer;
            if (client.command->commandCode == VDC_Read) {
                fill(&client, 0, NULL);
            }
            read_byte(&client, (long)client.size - 1, NULL);
        }
        complete(&client, 0, NULL);
    }
    if (number % 2 != 0) {
        read_kept(&client, 0, NULL);
    }
    vdi_set_close(&client.set);
    vdi_set_destroy(&client.set);
    return NULL;
}

static int many(struct client *client, long count, const char *rest)
{
    pthread_t threads[THREADS_MAX];
    int status = 0;
    (void)client;
    (void)rest;
    for (intptr_t i = 0; i < count && i < THREADS_MAX; i++) {
        if (pthread_create(&threads[i], NULL, whole_life, (void *)i) != 0) {
            return 78;
        }
    }
    for (long i = 0; i < count && i < THREADS_MAX; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        status = failed != NULL ? 76 : status;
    }
    return status;
}

static const struct {
    const char *name;
    verb_function *run;
} verbs[] = {
    {"open", open_set},
    {"create-again", create_again},
    {"loop", loop},
    {"get", get},
    {"complete", complete},
    {"abort", do_abort},
    {"close", do_close},
    {"destroy", destroy},
    {"read", read_byte},
    {"write", write_byte},
    {"keep", keep},
    {"read-kept", read_kept},
    {"write-kept", write_kept},
    {"fill", fill},
    {"expect", expect},
    {"read-block", read_block},
    {"write-block", write_block},
    {"call-write", call_write},
    {"call-read", call_read},
    {"fetch-of", fetch_of},
    {"own", guard_client_own},
    {"is-own", guard_client_is_own},
    {"crash", guard_client_crash},
    {"block", guard_client_block},
    {"beside", beside},
    {"child", child},
    {"handler", handler},
    {"start", start},
    {"join", join},
    {"forbid", guard_client_forbid},
    {"many", many},
};

static int run(struct client *client, char *word)
{
    char *rest = strchr(word, ':');
    if (rest != NULL) {
        *rest++ = '\0';
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, word) == 0) {
            return verbs[i].run(client, rest == NULL ? 0 : atol(rest), rest);
        }
    }
    return 75;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int status = run(&whole, argv[i]);
        if (status != 0) {
            return status;
        }
    }
    return 0;
}
