/* client.c - a VDI client that does what its arguments say, one call each:
 *
 *   init  create[:DEVICES]  config  open  get:D[:TIMEOUT]  complete:D  abort  close  destroy
 *   answer:D:CODE  completes with another code than success
 *   join-set       calls OpenInSecondary
 *   get-null:D     95 unless GetCommand succeeds and gives no command
 *   touch:D        reads the command and the buffer fetched last on the device: 90 if not as they were
 *   gone:D         91 unless that buffer is out of reach
 *   aborted:YES    95 unless the last GetCommand or CompleteCommand returned VD_E_ABORT (1), or did not (0)
 *   abort-beside   another thread aborts, at any moment from now
 *   close-beside   likewise closes
 *   wait-beside:D  likewise calls GetCommand on the device, on which nothing will come
 *   join           that thread has ended
 *   on-signal:abort  on-signal:jump  a handler of SIGUSR1 that aborts the set, or jumps out to the next verb
 *   fork           the rest runs in a child; the parent hands on its exit status
 *   threads:N      N threads, each with a set and a device of its own, from init to destroy
 *   next-execve    92 unless RTLD_NEXT, seen from here, is libvdifault.so's execve
 *   no-symbol      93 unless dlsym says that it does not know a symbol, and why
 *   dlopen:PATH    94 unless the library has a Create, 44 unless there is one
 *   system:CMD  popen:CMD
 *   execl:FILE  execlp  execle  execv  execvp  execvpe  spawn  spawnp  vfork: starts FILE with arguments one, two
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vdi.h"
#include "vdierror.h"

enum {
    DEVICES = 8,
    BUFFER = 4096
};

static struct {
    void (*init)(ClientVirtualDeviceSet *);
    void (*destroy)(ClientVirtualDeviceSet *);
    int (*create)(ClientVirtualDeviceSet *, char *, VDConfig *);
    int (*config)(ClientVirtualDeviceSet *, time_t, VDConfig *);
    int (*open)(ClientVirtualDeviceSet *, char *, ClientVirtualDevice **);
    int (*close)(ClientVirtualDeviceSet *);
    int (*abort)(ClientVirtualDeviceSet *);
    int (*get)(ClientVirtualDevice *, time_t, VDC_Command **);
    int (*complete)(ClientVirtualDevice *, VDC_Command *, int, unsigned long, int64_t);
    int (*join)(ClientVirtualDeviceSet *, char *);
} vdi;

#ifdef CLIENT_DLOPEN
static void load(void)
{
    void *library = dlopen(CLIENT_DLOPEN, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        exit(98);
    }
    const char *names[] = {"_ZN22ClientVirtualDeviceSetC1Ev",
                           "_ZN22ClientVirtualDeviceSetD1Ev",
                           "_ZN22ClientVirtualDeviceSet6CreateEPcP8VDConfig",
                           "_ZN22ClientVirtualDeviceSet16GetConfigurationElP8VDConfig",
                           "_ZN22ClientVirtualDeviceSet10OpenDeviceEPcPP19ClientVirtualDevice",
                           "_ZN22ClientVirtualDeviceSet5CloseEv",
                           "_ZN22ClientVirtualDeviceSet11SignalAbortEv",
                           "_ZN19ClientVirtualDevice10GetCommandElPP11VDC_Command",
                           "_ZN19ClientVirtualDevice15CompleteCommandEP11VDC_Commandiml",
                           "_ZN22ClientVirtualDeviceSet15OpenInSecondaryEPc"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ((void **)&vdi)[i] = dlsym(library, names[i]);
    }
}
#else
static void load(void)
{
    vdi.init = vdi_set_init;
    vdi.destroy = vdi_set_destroy;
    vdi.create = vdi_set_create;
    vdi.config = vdi_set_get_configuration;
    vdi.open = vdi_set_open_device;
    vdi.close = vdi_set_close;
    vdi.abort = vdi_set_signal_abort;
    vdi.get = vdi_device_get_command;
    vdi.complete = vdi_device_complete_command;
    vdi.join = vdi_set_open_in_secondary;
}
#endif

struct client {
    ClientVirtualDeviceSet set;
    int result; /* of the last GetCommand or CompleteCommand */
    ClientVirtualDevice *devices[DEVICES];
    VDC_Command *commands[DEVICES];
    uint8_t *buffers[DEVICES];
    size_t opened;
    pthread_t beside;
    int (*beside_call)(ClientVirtualDeviceSet *);
    char name[32];
};

static void *call_beside(void *context)
{
    struct client *client = context;
    client->beside_call(&client->set);
    return NULL;
}

static struct client *on_signal_client;
static bool on_signal_jump;
static sigjmp_buf on_signal_target;

static void on_signal(int number)
{
    (void)number;
    if (on_signal_jump) {
        siglongjmp(on_signal_target, 1);
    }
    vdi.abort(&on_signal_client->set);
}

static void *wait_beside(void *device)
{
    VDC_Command *command = NULL;
    vdi.get(device, 4711, &command);
    return NULL;
}

static int touch(const struct client *client, int d)
{
    const uint8_t *buffer = client->commands[d]->buffer;
    if (client->commands[d]->size != BUFFER) {
        return 90;
    }
    for (size_t i = 0; i < BUFFER; i++) {
        if (buffer[i] != 0x5a) {
            return 90;
        }
    }
    return 0;
}

/* The kernel can read nothing there. */
static int gone(const uint8_t *buffer)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return 97;
    }
    ssize_t written = write(ends[1], buffer, BUFFER);
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    return written == -1 && error == EFAULT ? 0 : 91;
}

static int call(struct client *client, const char *verb, int number, long extra)
{
    VDConfig config = {.deviceCount = (uint32_t)number, .alignment = 512};
    char name[64];
    int d = number < DEVICES ? number : 0;
    if (strcmp(verb, "init") == 0) {
        vdi.init(&client->set);
    } else if (strcmp(verb, "create") == 0) {
        config.deviceCount = number == 0 ? 1 : config.deviceCount;
        vdi.create(&client->set, client->name, &config);
        client->opened = 0;
    } else if (strcmp(verb, "config") == 0) {
        vdi.config(&client->set, 1000, &config);
    } else if (strcmp(verb, "open") == 0) {
        snprintf(name, sizeof(name), client->opened == 0 ? "%s" : "%s%zu", client->name, client->opened);
        vdi.open(&client->set, name, &client->devices[client->opened]);
        client->opened++;
    } else if (strcmp(verb, "get") == 0) {
        VDC_Command *command = (VDC_Command *)&config;
        errno = 4711;
        int result = client->result = vdi.get(client->devices[d], extra, &command);
        if (errno != 4711 || (result != 0 && command != NULL)) {
            return 94;
        }
        if (result == 0) {
            client->commands[d] = command;
            client->buffers[d] = command->buffer;
        }
    } else if (strcmp(verb, "complete") == 0) {
        client->result = vdi.complete(client->devices[d], client->commands[d], 0, BUFFER, 0);
    } else if (strcmp(verb, "answer") == 0) {
        client->result = vdi.complete(client->devices[d], client->commands[d], (int)extra, 0, 0);
    } else if (strcmp(verb, "aborted") == 0) {
        return (client->result == VD_E_ABORT) == (d != 0) ? 0 : 95;
    } else if (strcmp(verb, "abort") == 0) {
        vdi.abort(&client->set);
    } else if (strcmp(verb, "close") == 0) {
        vdi.close(&client->set);
    } else if (strcmp(verb, "destroy") == 0) {
        vdi.destroy(&client->set);
    } else if (strcmp(verb, "touch") == 0) {
        return touch(client, d);
    } else if (strcmp(verb, "gone") == 0) {
        return gone(client->buffers[d]);
    } else {
        return -1;
    }
    return 0;
}

static void *whole_life(void *number)
{
    static const char *const verbs[] = {"init",     "create",   "config",   "open",  "get",
                                        "complete", "get",      "complete", "get",   "complete",
                                        "get",      "complete", "get",      "close", "destroy"};
    struct client client = {0};
    snprintf(client.name, sizeof(client.name), "thread%ld", (long)(intptr_t)number);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        call(&client, verbs[i], 0, 100);
    }
    return NULL;
}

static int threads(int count)
{
    pthread_t thread[64];
    for (intptr_t i = 0; i < count; i++) {
        pthread_create(&thread[i], NULL, whole_life, (void *)i);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(thread[i], NULL);
    }
    return 0;
}

static int wait_child(pid_t child)
{
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
}

static int start_program(const char *how, char *file)
{
    char *argv[] = {file, "one", "two", NULL};
    char *envp[] = {"PATH=/bin:/usr/bin", "FAKE_OUT=/dev/null", NULL};
    pid_t child = 0;
    if (strcmp(how, "spawn") == 0 || strcmp(how, "spawnp") == 0) {
        int error =
            (strcmp(how, "spawn") == 0 ? posix_spawn : posix_spawnp)(&child, file, NULL, NULL, argv, environ);
        return error != 0 ? 96 : wait_child(child);
    }
    if (strcmp(how, "vfork") == 0) {
        child = vfork();
        if (child == 0) {
            execv(file, argv);
            _exit(96);
        }
        return wait_child(child);
    }
    child = fork();
    if (child != 0) {
        return wait_child(child);
    }
    if (strcmp(how, "execl") == 0) {
        execl(file, file, "one", "two", (char *)NULL);
    } else if (strcmp(how, "execlp") == 0) {
        execlp(file, file, "one", "two", (char *)NULL);
    } else if (strcmp(how, "execle") == 0) {
        envp[1] = getenv("FAKE_OUT_ASSIGNMENT");
        execle(file, file, "one", "two", (char *)NULL, envp);
    } else if (strcmp(how, "execv") == 0) {
        execv(file, argv);
    } else if (strcmp(how, "execvp") == 0) {
        execvp(file, argv);
    } else if (strcmp(how, "execvpe") == 0) {
        execvpe(file, argv, environ);
    }
    _exit(errno == ENOENT ? 44 : 96);
}

static int other(struct client *client, const char *verb, char *rest)
{
    if (strcmp(verb, "abort-beside") == 0 || strcmp(verb, "close-beside") == 0) {
        client->beside_call = verb[0] == 'a' ? vdi.abort : vdi.close;
        return pthread_create(&client->beside, NULL, call_beside, client);
    }
    if (strcmp(verb, "join-set") == 0) {
        return vdi.join(&client->set, client->name);
    }
    if (strcmp(verb, "get-null") == 0) {
        VDC_Command *command = (VDC_Command *)client;
        return vdi.get(client->devices[atoi(rest)], 100, &command) == 0 && command == NULL ? 0 : 95;
    }
    if (strcmp(verb, "wait-beside") == 0) {
        return pthread_create(&client->beside, NULL, wait_beside, client->devices[atoi(rest)]);
    }
    if (strcmp(verb, "join") == 0) {
        return pthread_join(client->beside, NULL);
    }
    if (strcmp(verb, "on-signal") == 0) {
        on_signal_client = client;
        on_signal_jump = strcmp(rest, "jump") == 0;
        return signal(SIGUSR1, on_signal) == SIG_ERR;
    }
    if (strcmp(verb, "fork") == 0) {
        pid_t child = fork();
        if (child != 0) {
            exit(wait_child(child));
        }
        return 0;
    }
    if (strcmp(verb, "threads") == 0) {
        return threads(atoi(rest));
    }
    if (strcmp(verb, "next-execve") == 0) {
        Dl_info info = {0};
        dladdr(dlsym(RTLD_NEXT, "execve"), &info);
        return info.dli_fname != NULL && strstr(info.dli_fname, "libvdifault.so") != NULL ? 0 : 92;
    }
    if (strcmp(verb, "no-symbol") == 0) {
        dlerror();
        return dlsym(RTLD_DEFAULT, "_ZN3no_such_symbolEv") == NULL && dlerror() != NULL ? 0 : 93;
    }
    if (strcmp(verb, "dlopen") == 0) {
        void *library = dlopen(rest, RTLD_NOW | RTLD_LOCAL);
        const char *create = "_ZN22ClientVirtualDeviceSet6CreateEPcP8VDConfig";
        return library == NULL ? 44 : dlsym(library, create) != NULL ? 0 : 94;
    }
    if (strcmp(verb, "system") == 0) {
        int status = system(rest);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
    }
    if (strcmp(verb, "popen") == 0) {
        FILE *pipe = popen(rest, "r");
        int status = pipe == NULL ? -1 : pclose(pipe);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 97;
    }
    return start_program(verb, rest);
}

#ifdef CLIENT_PLUGIN
#define main client_main
__attribute__((visibility("default"))) int client_main(int argc, char **argv);
#endif

int main(int argc, char **argv)
{
    static struct client client = {.name = "set"};
    load();
    static int i; /* static, as it changes between sigsetjmp and a jump */
    for (i = 1; i < argc; i++) {
        if (sigsetjmp(on_signal_target, 1) != 0) {
            continue;
        }
        char *rest = strchr(argv[i], ':');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        char *extra = rest == NULL ? NULL : strchr(rest, ':');
        int status =
            call(&client, argv[i], rest == NULL ? 0 : atoi(rest), extra == NULL ? 100 : atol(extra + 1));
        if (status < 0) {
            status = other(&client, argv[i], rest);
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}
