/* segment.h - the shared-memory objects of a set: their names, their life, and what both sides do with them.
 *
 * Names: "vdifault-<namespace>-<hash of the set name>" for the control object, "-<id>.<index>" appended for
 * each buffer area. A set name may hold any character, so objects are named by hash; the namespace is the value
 * of VDI_NAMESPACE ("0" without one), or what that was when the library was loaded, and keeps parallel test runs apart.
 *
 * Life: names last as long as the set: secondaries and areas may come late, and a second Create of a living
 * name is refused. Whoever ends the set first, the primary's Close or the server's, takes them away
 * (segment_unlink); a name that has gone on to the next set stays. What the dead left is removed by whoever finds
 * it, the next segment_create or segment_open of the same name, as far as it may: a buffer area is the server's
 * user's, and in a sticky folder only that user or root can take its name away.
 *
 * Errors: 0 or errno.
 */
#ifndef VDIFAULT_CORE_SEGMENT_H
#define VDIFAULT_CORE_SEGMENT_H

#include "layout.h"
#include "vdi.h"

/* How often a sleeper looks whether its peer lives: a futex does not see a process die. A test that kills
 * thousands of processes may shorten it. */
#ifndef SEGMENT_PEER_CHECK_NS
#define SEGMENT_PEER_CHECK_NS 250000000
#endif

struct segment {
    struct os_memory control;
    struct shared_header *header; /* NULL: not attached */
    uint32_t device_count;        /* our checked copy */
    uint64_t id;                  /* our checked copy */
    _Atomic uint32_t abort_seen;  /* the first reason this process saw; 0: none yet */
    char control_name[OS_NAME_MAX];
};

bool set_name_is_valid(const char *name); /* 1 to 259 bytes, no backslash (VDI-CREATE-002) */

/* EEXIST: a set of this name lives. ENOSPC, ENOMEM: no room. The caller fills nothing more in: the set can be
 * found once this returns. `phase`: PHASE_CREATED; with a later one no server opens it. */
int segment_create(const char *name, const struct VDConfig *config, enum shared_phase phase,
                   struct segment *segment);
/* ENOENT: no such set. EPROTO: the object is not a set of this version. */
int segment_open(const char *name, struct segment *segment);
/* Whether the object is the control object of a set of our namespace whose client is dead. */
bool segment_is_leftover(const char *object_name);
void segment_remove_leftover(const char *object_name); /* its areas, too; nothing if it is none */
void segment_unlink(struct segment *segment);
void segment_detach(struct segment *segment);

void segment_area_name(const struct segment *segment, uint32_t area, char name[OS_NAME_MAX]);

uint64_t segment_process_number(const struct os_process *process); /* as in struct shared_process */
struct os_process segment_process(struct shared_process *process); /* a checked copy for os_process_alive */
void segment_read_config(_Atomic uint32_t *words, struct VDConfig *config);
void segment_write_config(_Atomic uint32_t *words, const struct VDConfig *config);

/* Ends the set abnormally unless it already is (spec 9.7): the first reason stands. Wakes everybody. */
void segment_abort(struct segment *segment, uint32_t reason);
/* Sequentially consistent. An abort once seen is final, whatever the peer writes afterwards: only Close leaves
 * this state (spec 2.3, 2.4). 0: none. */
uint32_t segment_abort_reason(struct segment *segment);
bool segment_is_aborted(struct segment *segment);
void segment_wake_all(struct segment *segment);

#endif
