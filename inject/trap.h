/* trap.h - SIGSEGV and SIGBUS: the arena's for us, all others for the client.
 *
 * Responsible for: a handler of ours that takes faults in the arena and hands on every other one as if we were not
 * there; sigaction, signal and their variants, so that the client sets and sees its own action. Not responsible
 * for what an access means (guard.h).
 *
 * Until the first buffer is guarded nothing is installed. From then on the kernel's action is ours with the client's
 * mask, SA_ONSTACK and SA_NODEFER, so that a handler of the client's runs as it asked for; SA_RESETHAND is done by us,
 * SIG_DFL and SIG_IGN as the kernel does them for a fault. What a client or a sanitizer sets past our wrappers (a
 * system call of its own) is found at the next GetCommand and taken for the client's action.
 *
 * A thread that blocks SIGSEGV would be killed by a fault in the arena: pthread_sigmask, sigprocmask and
 * pthread_attr_setsigmask_np leave these two signals out. For a real fault that changes nothing but that a handler runs
 * where the kernel would have killed; a SIGSEGV that somebody sends does not stay pending. Not covered: masks of other
 * signals' handlers (sa_mask) and of waits, in which nobody touches buffers.
 *
 * Threads: any. What the handler needs was looked up before it was installed; it allocates nothing and preserves errno.
 */
#ifndef VDIFAULT_TRAP_H
#define VDIFAULT_TRAP_H

/* Installs the handlers, or sees that they still are. Preserves errno. */
void trap_hold(void);

#endif
