/* guard_client_signals.c - the words of guard_client.c about the client's own signals, and of system calls that are
 * refused. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard_client.h"

static _Atomic int handled;
static sigjmp_buf target;
static void *at_target;
static char alternate[65536];

/* Maps what was missing, so that the instruction works when it is tried again. */
static void repair(int number)
{
    handled++;
    mmap(at_target, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    (void)number;
}

static void repair_by_info(int number, siginfo_t *info, void *context)
{
    char here;
    bool on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
    struct sigaction own;
    sigaction(number, NULL, &own);
    if (info->si_addr == at_target && context != NULL && on_alternate == ((own.sa_flags & SA_ONSTACK) != 0)) {
        repair(number);
    } else {
        _exit(86);
    }
}

static void jump(int number)
{
    (void)number;
    handled++;
    siglongjmp(target, 1);
}

static sighandler_t own_handler;

int guard_client_own(struct client *client, long number, const char *how)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    (void)client;
    (void)number;
    if (strcmp(how, "small") == 0) { /* as most have it, and nothing below */
        const size_t usual = 8192, page = 4096;
        uint8_t *room = mmap(NULL, page + usual, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(room + page, usual, PROT_READ | PROT_WRITE);
        stack = (stack_t){.ss_sp = room + page, .ss_size = usual};
        action.sa_flags |= SA_ONSTACK;
        action.sa_sigaction = repair_by_info;
        return sigaltstack(&stack, NULL) + sigaction(SIGSEGV, &action, NULL);
    }
    if (strcmp(how, "sigaction") == 0 || strcmp(how, "onstack") == 0) {
        if (strcmp(how, "onstack") == 0) {
            action.sa_flags |= SA_ONSTACK;
            sigaltstack(&stack, NULL);
        }
        action.sa_sigaction = repair_by_info;
        own_handler = action.sa_handler;
        return sigaction(SIGSEGV, &action, NULL);
    }
    own_handler = strcmp(how, "jump") == 0 ? jump : repair;
    return (strcmp(how, "sysv") == 0 ? sysv_signal : signal)(SIGSEGV, own_handler) == SIG_ERR;
}

int guard_client_is_own(struct client *client, long number, const char *rest)
{
    struct sigaction action;
    (void)client;
    (void)number;
    (void)rest;
    sigaction(SIGSEGV, NULL, &action);
    return action.sa_handler == own_handler ? 0 : 84;
}

__attribute__((no_sanitize("address"))) static void touch_target(void)
{
    __asm__ __volatile__("" : : "r"(*(const uint8_t *)at_target) : "memory");
}

int guard_client_crash(struct client *client, long number, const char *rest)
{
    int before = handled;
    (void)client;
    (void)number;
    (void)rest;
    at_target = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sigsetjmp(target, 1) == 0) {
        touch_target();
    }
    return handled == before + 1 ? 0 : 85;
}

int guard_client_block(struct client *client, long number, const char *rest)
{
    sigset_t all;
    (void)client;
    (void)number;
    (void)rest;
    sigfillset(&all);
    return pthread_sigmask(SIG_SETMASK, &all, NULL) + sigprocmask(SIG_BLOCK, &all, NULL);
}

int guard_client_forbid(struct client *client, long number, const char *rest)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    (void)client;
    (void)number;
    (void)rest;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0
               ? 0
               : 73;
}
