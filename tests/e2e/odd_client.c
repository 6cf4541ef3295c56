/* odd_client.c - correct clients that do something that few do, by the first argument; the second is a folder for the
 * backup. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vdi.h"
#include "vdierror.h"

enum {
    WAIT_MS = 60000,
    OWN_FILES = 32
};
#define ADDRESSES ((rlim_t)1400 << 20)

static ClientVirtualDeviceSet set;
static ClientVirtualDevice *device;
static int file;
static bool failed;

static void expect(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "odd_client: %s\n", what);
        failed = true;
    }
}

static void allow_addresses(rlim_t most)
{
    struct rlimit limit;
    expect(getrlimit(RLIMIT_AS, &limit) == 0, "getrlimit failed");
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    expect(setrlimit(RLIMIT_AS, &limit) == 0, "setrlimit failed");
}

static pid_t start_statement(const char *name)
{
    pid_t child = fork();
    if (child == 0) {
        allow_addresses(RLIM_INFINITY);
        char statement[128];
        snprintf(statement, sizeof statement, "BACKUP DATABASE sales TO VIRTUAL_DEVICE='%s'", name);
        execlp("sqlcmd", "sqlcmd", "-b", "-Q", statement, (char *)NULL);
        _exit(127);
    }
    return child;
}

/* ---- serving ---- */

struct answer {
    VDC_Command *command;
    int code;
    int result;
};

static void *complete(void *context)
{
    struct answer *answer = context;
    VDC_Command *command = answer->command;
    unsigned long bytes =
        command->commandCode == VDC_Write && answer->code == 0 ? (unsigned long)command->size : 0;
    answer->result = vdi_device_complete_command(device, command, answer->code, bytes, 0);
    return NULL;
}

/* By a thread that somebody wants to end, and that does so once it has done its work. */
static void *complete_cancelled(void *answer)
{
    pthread_cancel(pthread_self());
    complete(answer);
    pthread_testcancel();
    return NULL;
}

static int run_in_thread(void *(*work)(void *), void *context, size_t stack, const sigset_t *mask)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (stack != 0) {
        pthread_attr_setstacksize(&attributes, stack);
    }
    if (mask != NULL) {
        pthread_attr_setsigmask_np(&attributes, mask);
    }
    int error = pthread_create(&thread, &attributes, work, context);
    pthread_attr_destroy(&attributes);
    return error != 0 ? error : pthread_join(thread, NULL);
}

static int perform(const VDC_Command *command)
{
    switch (command->commandCode) {
    case VDC_Write:
        return write(file, command->buffer, (size_t)command->size) == command->size ? 0 : ERROR_DISK_FULL;
    case VDC_Flush:
        return fsync(file) == 0 ? 0 : ERROR_DISK_FULL;
    case VDC_ClearError:
        return 0;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

static volatile uint8_t first_byte;

/* ... by a thread of its own, in which every signal is blocked from its begin on. */
static void *perform_and_return(void *context)
{
    struct answer *answer = context;
    if (answer->command->commandCode == VDC_Write) {
        first_byte = *answer->command->buffer;
    }
    answer->code = perform(answer->command);
    return NULL;
}

static int perform_masked(VDC_Command *command)
{
    struct answer answer = {.command = command, .code = ERROR_DISK_FULL};
    sigset_t all;
    sigfillset(&all);
    expect(run_in_thread(perform_and_return, &answer, 0, &all) == 0, "no thread");
    return answer.code;
}

static bool is_masked;

/* `completer`: a thread for each completion. */
static void serve(void *(*completer)(void *))
{
    for (;;) {
        struct answer answer = {.command = NULL, .result = -1};
        int result = vdi_device_get_command(device, WAIT_MS, &answer.command);
        if (result != 0) {
            expect(result == VD_E_CLOSE, "GetCommand failed");
            break;
        }
        answer.code = is_masked ? perform_masked(answer.command) : perform(answer.command);
        expect(answer.code == 0 || answer.code == ERROR_NOT_SUPPORTED, "a command failed");
        if (completer == NULL) {
            complete(&answer);
        } else {
            expect(run_in_thread(completer, &answer, 0, NULL) == 0, "no thread");
        }
        if (answer.result != 0) {
            expect(false, "CompleteCommand failed");
            break;
        }
    }
}

static void *serve_plainly(void *unused)
{
    serve(NULL);
    return unused;
}

/* ---- what is odd ---- */

static int own_files[OWN_FILES];

/* As a daemon does; then it opens files of its own. */
static void close_descriptors(void)
{
    expect(close_range(STDERR_FILENO + 1, ~0u, 0) == 0, "close_range failed");
    for (int i = 0; i < OWN_FILES; i++) {
        own_files[i] = open("/dev/zero", O_RDONLY);
    }
}

static void use_own_files(void)
{
    char byte;
    for (int i = 0; i < OWN_FILES; i++) {
        expect(read(own_files[i], &byte, 1) == 1, "a file of its own is closed");
    }
}

static void clear_environment(void)
{
    expect(clearenv() == 0, "clearenv failed");
}

static void serve_cancelled(void)
{
    serve(complete_cancelled);
}

static void serve_on_little_stack(void)
{
    expect(run_in_thread(serve_plainly, NULL, PTHREAD_STACK_MIN, NULL) == 0, "no thread");
}

static void serve_here(void)
{
    serve(NULL);
}

static void serve_masked(void)
{
    is_masked = true;
    serve(NULL);
}

/* It was itself started with an empty environment. */
static void look_for_dialect(void)
{
    expect(getenv("VDI_DIALECT") != NULL, "no VDI_DIALECT");
}

/* What it may have is enough for itself, and it takes it once it has served. */
static void limit_addresses(void)
{
    allow_addresses(ADDRESSES);
}

static void use_addresses(void)
{
    expect(mmap(NULL, ADDRESSES / 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) !=
               MAP_FAILED,
           "no addresses");
}

static const struct oddity {
    const char *word;
    void (*before)(void);
    void (*serve)(void);
    void (*after)(void);
} oddities[] = {
    {"closes-descriptors", close_descriptors, serve_here, use_own_files},
    {"clears-environment", clear_environment, serve_here, NULL},
    {"cancels-threads", NULL, serve_cancelled, NULL},
    {"little-stack", NULL, serve_on_little_stack, NULL},
    {"knows-dialect", look_for_dialect, serve_here, NULL},
    {"masks-threads", NULL, serve_masked, NULL},
    {"few-addresses", limit_addresses, serve_here, use_addresses},
};

/* ---- the set ---- */

static bool open_set(const char *name, VDConfig *config)
{
    int result = vdi_set_get_configuration(&set, WAIT_MS, config);
    if (result == 0) {
        result = vdi_set_open_device(&set, (char *)name, &device);
    }
    expect(result == 0, "no device");
    if (result != 0 && result != VD_E_ABORT) {
        vdi_set_signal_abort(&set);
    }
    return result == 0;
}

static void back_up(const struct oddity *odd)
{
    VDConfig config = {.deviceCount = 1};
    char name[32];
    int status = -1;
    snprintf(name, sizeof name, "odd-%d", (int)getpid());
    vdi_set_init(&set);
    if (vdi_set_create(&set, name, &config) != 0) {
        expect(false, "no set");
        return;
    }
    pid_t child = start_statement(name);
    if (open_set(name, &config)) {
        odd->serve();
    }
    if (failed) {
        vdi_set_signal_abort(&set);
    }
    vdi_set_close(&set);
    vdi_set_destroy(&set);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    expect(status == 0, "the statement failed");
}

int main(int argc, char **argv)
{
    const struct oddity *odd = NULL;
    for (size_t i = 0; argc == 3 && i < sizeof oddities / sizeof oddities[0]; i++) {
        odd = strcmp(argv[1], oddities[i].word) == 0 ? &oddities[i] : odd;
    }
    if (odd == NULL) {
        fprintf(stderr, "usage: odd_client WORD FOLDER\n");
        return 2;
    }
    if (odd->before != NULL) {
        odd->before();
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/odd.bak", argv[2]);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int folder = open(argv[2], O_RDONLY | O_DIRECTORY);
    expect(file >= 0 && fsync(folder) == 0, "no file");
    back_up(odd);
    if (odd->after != NULL) {
        odd->after();
    }
    return failed ? 1 : 0;
}
