/* conform_case.c - see conform_case.h. */
#include "conform_case.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "environment.h"

/* ---- in the child: the library ---- */

static bool bind_library(const char *path, struct vdi_library *library, char text[CONFORM_TEXT_MAX])
{
    static const struct {
        const char *symbol;
        size_t offset;
    } symbols[] = {
        {"_ZN22ClientVirtualDeviceSetC1Ev", offsetof(struct vdi_library, set_init)},
        {"_ZN22ClientVirtualDeviceSetD1Ev", offsetof(struct vdi_library, set_destroy)},
        {"_ZN22ClientVirtualDeviceSet6CreateEPcP8VDConfig", offsetof(struct vdi_library, create)},
        {"_ZN22ClientVirtualDeviceSet16GetConfigurationElP8VDConfig",
         offsetof(struct vdi_library, get_configuration)},
        {"_ZN22ClientVirtualDeviceSet10OpenDeviceEPcPP19ClientVirtualDevice",
         offsetof(struct vdi_library, open_device)},
        {"_ZN22ClientVirtualDeviceSet5CloseEv", offsetof(struct vdi_library, close)},
        {"_ZN22ClientVirtualDeviceSet11SignalAbortEv", offsetof(struct vdi_library, signal_abort)},
        {"_ZN22ClientVirtualDeviceSet15OpenInSecondaryEPc", offsetof(struct vdi_library, open_in_secondary)},
        {"_ZN22ClientVirtualDeviceSet15GetBufferHandleEPhPj",
         offsetof(struct vdi_library, get_buffer_handle)},
        {"_ZN22ClientVirtualDeviceSet15MapBufferHandleEiPPh",
         offsetof(struct vdi_library, map_buffer_handle)},
        {"_ZN22ClientVirtualDeviceSet20RegisterDeviceClosedEv",
         offsetof(struct vdi_library, register_device_closed)},
        {"_ZN19ClientVirtualDevice10GetCommandElPP11VDC_Command", offsetof(struct vdi_library, get_command)},
        {"_ZN19ClientVirtualDevice15CompleteCommandEP11VDC_Commandiml",
         offsetof(struct vdi_library, complete_command)},
    };
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        snprintf(text, CONFORM_TEXT_MAX, "%s", dlerror());
        return false;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *address = dlsym(handle, symbols[i].symbol);
        if (address == NULL) {
            snprintf(text, CONFORM_TEXT_MAX, "it is no VDI library: it does not export %s",
                     symbols[i].symbol);
            return false;
        }
        memcpy((char *)library + symbols[i].offset, &address, sizeof address);
    }
    return true;
}

/* ---- in the child: the server ---- */

struct statement_server {
    struct case_server base;
    const struct conform_setup *setup;
    pid_t pid;  /* 0: no statement runs */
    int output; /* a file in memory */
};

enum {
    STATEMENT_MAX = 512,
    STATEMENT_END_MS = 5000, /* how long a statement whose set is gone may take to end */
};

static void put_statement(char statement[STATEMENT_MAX], const char *set, uint32_t devices)
{
    int length = snprintf(statement, STATEMENT_MAX, "BACKUP DATABASE [master] TO VIRTUAL_DEVICE='%s'", set);
    for (uint32_t i = 1; i < devices; i++) {
        length += snprintf(statement + length, STATEMENT_MAX - (size_t)length, ", VIRTUAL_DEVICE='%s-%u'",
                           set, (unsigned)i);
    }
    snprintf(statement + length, STATEMENT_MAX - (size_t)length, " WITH COPY_ONLY");
}

static void exec_statement(const struct statement_server *server, const char *statement)
{
    int null = open("/dev/null", O_RDONLY);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (null < 0 || dup2(null, 0) < 0 || dup2(server->output, 1) < 0 || dup2(server->output, 2) < 0) {
        _exit(127);
    }
    if (server->setup->stand_in != NULL) {
        execl(server->setup->stand_in, "sqlcmd", "-b", "-Q", statement, (char *)NULL);
        fprintf(stderr, "%s: %s\n", server->setup->stand_in, strerror(errno));
    } else {
        char line[4096];
        snprintf(line, sizeof line, "%s \"$@\"", server->setup->sqlcmd);
        execl("/bin/sh", "sh", "-c", line, "sh", "-b", "-Q", statement, (char *)NULL);
    }
    _exit(127);
}

static int start(struct case_server *base, const char *set, uint32_t devices)
{
    struct statement_server *server = (struct statement_server *)base;
    char statement[STATEMENT_MAX];
    put_statement(statement, set, devices);
    server->pid = fork();
    if (server->pid == 0) {
        exec_statement(server, statement);
    }
    if (server->pid < 0) {
        server->pid = 0;
        snprintf(base->why, sizeof base->why, "fork: %s", strerror(errno));
        return -1;
    }
    return 0;
}

/* The statement ends by itself once its backup has. */
static void finish(struct case_server *base)
{
    (void)base;
}

static void await(pid_t pid, int64_t patience_ms, bool *ended)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        ready = fd >= 0 ? poll(&wait, 1, (int)patience_ms) : 0;
    } while (ready < 0 && errno == EINTR);
    *ended = ready > 0;
    if (fd >= 0) {
        close(fd);
    }
}

static void stop(struct case_server *base)
{
    struct statement_server *server = (struct statement_server *)base;
    bool ended;
    if (server->pid == 0) {
        return;
    }
    await(server->pid, STATEMENT_END_MS, &ended);
    if (!ended) {
        kill(server->pid, SIGKILL);
    }
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    server->pid = 0;
}

/* ---- the child ---- */

static void run_child(const struct conform_setup *setup, const struct client_case *one, int output,
                      struct conform_run *run)
{
    struct vdi_library library;
    char name[64];
    struct statement_server server = {
        .base = {.start = start, .finish = finish, .stop = stop}, .setup = setup, .output = output};
    int null = open("/dev/null", O_WRONLY);
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0) {
        snprintf(run->text, sizeof run->text, "descriptors: %s", strerror(errno));
        _exit(1);
    }
    setenv(TOKEN_VARIABLE, setup->token, 1);
    unsetenv("VDIFAULT_PLAN");
    if (!bind_library(setup->library, &library, run->text)) {
        run->end = CONFORM_UNLOADABLE;
        _exit(0);
    }
    snprintf(name, sizeof name, "vdifault-conform-%d", (int)getpid());
    client_case_run(one, &library, &server.base, name, &run->seen);
    run->end = CONFORM_FINISHED;
    _exit(0);
}

/* ---- the parent ---- */

/* What the statement said last, without line ends. */
static void keep_output(int output, char text[CONFORM_TEXT_MAX])
{
    off_t size = lseek(output, 0, SEEK_END);
    off_t from = size > CONFORM_TEXT_MAX - 1 ? size - (CONFORM_TEXT_MAX - 1) : 0;
    ssize_t got = pread(output, text, CONFORM_TEXT_MAX - 1, from);
    text[got > 0 ? got : 0] = '\0';
    for (char *at = text; *at != '\0'; at++) {
        *at = *at == '\n' || *at == '\r' ? ' ' : *at;
    }
}

/* The child's own account of its end stands, once it has what it was for. */
static void note_end(struct conform_run *run, int status, bool in_time)
{
    if (run->end == CONFORM_UNLOADABLE) {
        return;
    }
    if (run->seen.phase == CASE_DONE) { /* how the cleaning up after it went is another case's matter */
        run->end = CONFORM_FINISHED;
        return;
    }
    run->end = in_time ? CONFORM_CRASHED : CONFORM_HUNG;
    run->signal = in_time && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* In the child's group, so that statements that outlive it go with it. */
static pid_t start_child(const struct conform_setup *setup, const struct client_case *one, int output,
                         struct conform_run *shared)
{
    pid_t runner = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() == runner) {
            run_child(setup, one, output, shared);
        }
        _exit(1);
    }
    if (pid > 0) {
        setpgid(pid, pid); /* whoever of the two comes first */
    }
    return pid;
}

int conform_case_run(const struct conform_setup *setup, const struct client_case *one,
                     struct conform_run *run)
{
    struct conform_run *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int output = memfd_create("statement", MFD_CLOEXEC);
    int status = 0;
    int error = 0;
    bool in_time = false;
    if (shared == MAP_FAILED || output < 0) {
        error = errno;
        goto out;
    }
    shared->end = CONFORM_CRASHED;
    pid_t pid = start_child(setup, one, output, shared);
    if (pid < 0) {
        error = errno;
        goto out;
    }
    await(pid, setup->timeout_ms, &in_time);
    kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    cleanup_objects(setup->token, NULL, NULL);
    *run = *shared;
    note_end(run, status, in_time);
    if (run->end != CONFORM_UNLOADABLE) {
        keep_output(output, run->text);
    }
out:
    if (output >= 0) {
        close(output);
    }
    if (shared != MAP_FAILED) {
        munmap(shared, sizeof *shared);
    }
    return error;
}
