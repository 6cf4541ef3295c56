/* See kill_points.h. */
#include "kill_points.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "layout.h"
#include "os.h"

enum operation {
    CREATE,
    PUBLISH,
    OPEN,
    UNMAP,
    UNLINK,
    UNLINK_OWN
};

enum {
    CONTROLS_MAX = 2 /* one's own, and a dead one's while it is removed */
};

static struct {
    struct kill_points *points; /* NULL: not armed */
    struct kill_point point;
    _Atomic uint16_t visits[KILL_PLACES];
    _Atomic uintptr_t controls[CONTROLS_MAX]; /* control objects this process has mapped */
} self;

void kill_points_arm(struct kill_points *points, struct kill_point point)
{
    self.points = points;
    self.point = point;
}

static void visit(uint32_t place)
{
    if (self.points == NULL) {
        return;
    }
    uint16_t visits = (uint16_t)(atomic_fetch_add(&self.visits[place], 1) + 1);
    uint16_t seen = atomic_load(&self.points->seen[place]);
    while (seen < visits && !atomic_compare_exchange_weak(&self.points->seen[place], &seen, visits)) {
    }
    if (place == self.point.place && visits == self.point.visit) {
        raise(SIGKILL);
    }
}

/* --- stores and wakes --- */

static bool control_offset(const void *field, uint32_t *offset)
{
    uintptr_t at = (uintptr_t)field;
    for (int i = 0; i < CONTROLS_MAX; i++) {
        uintptr_t base = atomic_load(&self.controls[i]);
        if (base != 0 && at >= base && at - base < KILL_CONTROL_MAX) {
            *offset = (uint32_t)(at - base);
            return true;
        }
    }
    return false; /* a word of this process alone */
}

void shared_step(enum shared_access access, const void *field)
{
    uint32_t offset;
    if (access == SHARED_STORE && control_offset(field, &offset)) {
        visit(offset);
    }
}

void __real_os_wake(_Atomic uint32_t *word);
void __wrap_os_wake(_Atomic uint32_t *word);
void __wrap_os_wake(_Atomic uint32_t *word)
{
    uint32_t offset;
    if (control_offset(word, &offset)) {
        visit(KILL_WAKES + offset);
    }
    __real_os_wake(word);
}

/* --- objects --- */

/* Replaces `from` by `to` in the list of control objects. */
static void change_mapping(uintptr_t from, uintptr_t to)
{
    for (int i = 0; i < CONTROLS_MAX; i++) {
        uintptr_t expected = from;
        if (atomic_compare_exchange_strong(&self.controls[i], &expected, to)) {
            return;
        }
    }
}

/* The control object is the small one: buffers are 64 KiB and more. */
static void note_mapping(int error, const struct os_memory *memory)
{
    if (error == 0 && memory->size < KILL_CONTROL_MAX) {
        change_mapping(0, (uintptr_t)memory->address);
    }
}

int __real_os_memory_create(size_t size, struct os_memory *memory);
int __wrap_os_memory_create(size_t size, struct os_memory *memory);
int __wrap_os_memory_create(size_t size, struct os_memory *memory)
{
    visit(KILL_OBJECTS + CREATE);
    int error = __real_os_memory_create(size, memory);
    note_mapping(error, memory);
    return error;
}

int __real_os_memory_open(const char *name, struct os_memory *memory);
int __wrap_os_memory_open(const char *name, struct os_memory *memory);
int __wrap_os_memory_open(const char *name, struct os_memory *memory)
{
    visit(KILL_OBJECTS + OPEN);
    int error = __real_os_memory_open(name, memory);
    note_mapping(error, memory);
    return error;
}

int __real_os_memory_publish(struct os_memory *memory, const char *name);
int __wrap_os_memory_publish(struct os_memory *memory, const char *name);
int __wrap_os_memory_publish(struct os_memory *memory, const char *name)
{
    visit(KILL_OBJECTS + PUBLISH);
    return __real_os_memory_publish(memory, name);
}

void __real_os_memory_unmap(struct os_memory *memory);
void __wrap_os_memory_unmap(struct os_memory *memory);
void __wrap_os_memory_unmap(struct os_memory *memory)
{
    visit(KILL_OBJECTS + UNMAP);
    if (memory->address != NULL) {
        change_mapping((uintptr_t)memory->address, 0);
    }
    __real_os_memory_unmap(memory);
}

int __real_os_memory_unlink(const char *name);
int __wrap_os_memory_unlink(const char *name);
int __wrap_os_memory_unlink(const char *name)
{
    visit(KILL_OBJECTS + UNLINK);
    return __real_os_memory_unlink(name);
}

int __real_os_memory_unlink_own(const char *name, const struct os_memory *memory);
int __wrap_os_memory_unlink_own(const char *name, const struct os_memory *memory);
int __wrap_os_memory_unlink_own(const char *name, const struct os_memory *memory)
{
    visit(KILL_OBJECTS + UNLINK_OWN);
    return __real_os_memory_unlink_own(name, memory);
}

/* --- the enumeration --- */

bool kill_points_next(struct kill_points *points, struct kill_point *point)
{
    for (uint32_t place = 0; place < KILL_PLACES; place++) {
        uint16_t tried = atomic_load(&points->tried[place]);
        if (tried < atomic_load(&points->seen[place])) {
            atomic_store(&points->tried[place], (uint16_t)(tried + 1));
            *point = (struct kill_point){.place = place, .visit = tried + 1u};
            return true;
        }
    }
    return false;
}

uint32_t kill_points_count(const struct kill_points *points)
{
    uint32_t count = 0;
    for (uint32_t place = 0; place < KILL_PLACES; place++) {
        count += atomic_load(&points->tried[place]);
    }
    return count;
}

bool kill_point_is_a_race(struct kill_point point)
{
    if (point.place >= KILL_OBJECTS) {
        uint32_t operation = point.place - KILL_OBJECTS;
        return operation == UNLINK || operation == UNLINK_OWN;
    }
    uint32_t at = point.place % KILL_CONTROL_MAX;
    if (at < sizeof(struct shared_header)) {
        return at >= offsetof(struct shared_header, client_event);
    }
    at = (at - (uint32_t)sizeof(struct shared_header)) % (uint32_t)sizeof(struct shared_device);
    return at >= offsetof(struct shared_device, commands) && at < offsetof(struct shared_device, ring);
}

const char *kill_point_text(struct kill_point point, char out[64])
{
    static const char *const operations[KILL_OPERATIONS] = {"create", "publish", "open",
                                                            "unmap",  "unlink",  "unlink_own"};
    if (point.place >= KILL_OBJECTS) {
        snprintf(out, 64, "os_memory_%s #%u", operations[point.place - KILL_OBJECTS], point.visit);
    } else {
        snprintf(out, 64, "%s control+%u #%u", point.place >= KILL_WAKES ? "wake" : "store",
                 point.place % KILL_CONTROL_MAX, point.visit);
    }
    return out;
}
