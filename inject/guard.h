/* guard.h - the buffers and command blocks that the client gets instead of the library's (design 4.6).
 *
 * Responsible for: an alias of each buffer between inaccessible pages, a read-only copy of each command block,
 * both out of reach once they were given back; telling by EVENT_ACCESS what the client touches all the same, and
 * letting it through. Not responsible for judging that: src/rules does. arena.h has the states of a slot.
 *
 * What the client gets, and when it loses it:
 *   Read     buffer read-write, bytes behind it in its last page compared at the completion
 *   Write    buffer read-only (VDI-BUF-005), its prefix zone read-write
 *   block    read-only (VDI-GETCMD-005), at the end of a page of its own
 *   CompleteCommand that the library took, answered VD_E_ABORT, or never saw because a fault closed the set: both
 *            go. One that was refused leaves them with the client.
 *   SignalAbort by the thread that fetched it, on a device that is served by one thread, one command at a time:
 *            both go, for that thread only. Others may not have heard of the abort: what they hold stays theirs until
 *            Close (spec 8).
 *   GetCommand that gives VD_E_ABORT takes nothing: whoever calls it with a command in hand has others at work on that.
 *   Close    all go, whatever its answer. Contents stay until the set's next Create or its destructor, so that an
 *            access that was reported meets what it would have met.
 * A buffer has several aliases in turn, so that a stale pointer is caught although the buffer came again.
 *
 * Modes (VDIFAULT_GUARD): `pages` alias all buffers; `copy` gives a private copy instead, at the end of a page as far
 * as alignment allows, copied in at the fetch and, of a Read, back at the completion; `auto` is `pages`, but `copy`
 * where a prefix zone or an odd address prevents exact pages, and samples: of each device every one of the first 4096
 * commands, then every 16th. `off` protects nothing. Aliases without protection remain where the plan has an
 * early-close: buffers must outlive a Close that the client did not ask for (design 4.4). A copy whose handle was
 * given to another process is not copied back; from then on the process gets aliases.
 *
 * Not seen: what system calls do (the kernel answers EFAULT) but for callers of vdifault_guard_touch; MapBufferHandle's
 * buffers, whose commands another process has (of abort(at=touch) GetBufferHandle is the first touch); reads behind a
 * buffer within its last page.
 *
 * AddressSanitizer: pages that are taken away are not poisoned, as its report would end the client before the access is
 * recorded and let through. What pages cannot express is: the bytes behind a buffer in its last page. A report
 * about these is recorded by its death callback.
 *
 * VDIFAULT_ON_FINDING: after an access was recorded, `continue` lets it through; `stop` stops the process by SIGSTOP
 * with the instruction still to be done; `abort` ends it by SIGABRT.
 *
 * Ownership: pages are the arena's; a slot is whoever's has made it BUSY. Errors: where a command cannot be guarded the
 * client gets the library's own, and EVENT_NOTE says why, once a reason. Threads: any, no locks of ours, signal
 * handlers too.
 */
#ifndef VDIFAULT_GUARD_H
#define VDIFAULT_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "record.h"
#include "vdi.h"

/* ---- for the wrappers of VDI calls ---- */

/* The mode is not off, or a fault of the plan needs it. Inline, as the next ones: where the guard has nothing
 * to do, a call spends next to nothing on it. */
enum guard_work {
    GUARD_UNDECIDED,
    GUARD_IDLE,
    GUARD_AT_WORK
};
extern _Atomic uint32_t guard_work_word;
uint32_t guard_decide(void);
static inline bool guard_is_at_work(void)
{
    uint32_t work = atomic_load_explicit(&guard_work_word, memory_order_relaxed);
    return (work != GUARD_UNDECIDED ? work : guard_decide()) == GUARD_AT_WORK;
}

/* Create: what the library is to be asked for, so that buffers share no page. And back: what it has written there. */
VDConfig guard_ask(const VDConfig *asked);
void guard_answer(VDConfig *asked, const VDConfig *passed);
/* Create succeeded with `asked` (NULL: OpenInSecondary): a new life of the set. */
void guard_life_began(struct shadow_set *set, const VDConfig *asked);
/* What GetConfiguration returned, as the client is to see it. */
void guard_configured(struct shadow_set *set, VDConfig *config);
/* Create is called, or the destructor ran: contents of earlier lives go. */
void guard_life_ended(const struct call *call);

/* The library has delivered `block`: what the client gets, with what of it is the client's in *seen. NULL: the set was
 * closed by a fault meanwhile, and the command is lost with it. */
VDC_Command *guard_give(const struct call *call, VDC_Command *block, VDC_Command *seen);
static inline VDC_Command *guard_grant(const struct call *call, VDC_Command *block, VDC_Command *seen)
{
    *seen = *block;
    return guard_is_at_work() ? guard_give(call, block, seen) : block;
}
/* Faults that are to happen at the first touch of the command's buffer. False: it has none that is guarded. */
bool guard_arm(const VDC_Command *command, uint64_t faults);

/* Hostile faults. The client's copy of the command says what `altered` says; a byte of its buffer, as the client or the
 * library sees it next, is not what it was. False: it is not guarded, or out of the client's hands. */
bool guard_alter(const VDC_Command *given, const VDC_Command *altered);
bool guard_flip(const VDC_Command *given, size_t offset);

/* A command that guard_grant gave, in the client's hands or not; NULL for every other pointer. */
struct slot *guard_find_slot(const VDC_Command *command);
static inline struct slot *guard_find(const VDC_Command *command)
{
    return arena_contains(command) ? guard_find_slot(command) : NULL;
}
/* The library's. */
VDC_Command *guard_block(const struct slot *command);
uint64_t guard_fetch(const struct slot *command);
uint8_t *guard_buffer_for_handle(uint8_t *buffer);

/* Around the library's CompleteCommand. */
void guard_before_completion(struct slot *command, const struct call *call, unsigned long bytes);
void guard_completed(struct slot *command, const struct call *call, int result);
static inline void guard_after_completion(struct slot *command, const struct call *call, int result)
{
    if (guard_is_at_work()) {
        guard_completed(command, call, result);
    }
}
/* The client's own SignalAbort succeeded; its Close was called. */
void guard_aborted(const struct call *call);
void guard_closed(const struct call *call);

/* munmap is about to take these away. */
void guard_unmapped(const void *address, size_t length);
/* Buffers outlive a Close of the library's. */
bool guard_keeps_buffers(const struct shadow_set *set);

/* ---- for trap.c ---- */

bool guard_protects(void); /* the mode is not off */
/* A fault at `address`, in the arena. True: the instruction may be tried again. */
bool guard_trapped(const void *address, bool is_write, const void *context);

#endif
