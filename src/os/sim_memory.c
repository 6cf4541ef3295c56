/* Shared memory: objects, their names, who has them mapped, and watches. Within a world no place is used twice while
 * there are others, so that whoever uses what is gone is seen; a new world begins at the start of the arena again, so
 * objects are at the same places in every run. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim_internal.h"

enum {
    OBJECTS_MAX = 64,
    GAP = 4096, /* at least so much between two objects */
    WATCHES_MAX = 16,
};

struct object {
    bool exists;
    char name[OS_NAME_MAX]; /* "" = none */
    bool published;         /* has or had a name: others may have it mapped */
    size_t place;           /* in the arena */
    size_t size;
    uint64_t serial;
    uint16_t mapped[SIM_PROCESSES_MAX + 1]; /* by process */
    uint32_t mappings;
};

struct watch {
    uint32_t process; /* 0: free */
    uint32_t seen;
};

static struct object objects[OBJECTS_MAX];
static struct {
    uint32_t count; /* of `objects` in use so far */
    size_t used;    /* bytes of the arena: no object has been behind them */
    size_t living;  /* bytes of objects */
    uint64_t serial;
    struct watch watches[WATCHES_MAX];
    _Atomic uint32_t changes; /* of names */
    struct {
        uint32_t left; /* 0: none fails */
        int error;
    } failures[SIM_OPERATION_COUNT];
} state;

static uint32_t view_of(uint32_t process)
{
    return sim_hot.options.apart ? process - 1 : 0;
}

/* --- objects --- */

int sim_failure(enum sim_operation operation)
{
    int error = 0;
    if (state.failures[operation].left != 0 && --state.failures[operation].left == 0) {
        error = state.failures[operation].error;
    }
    return error;
}

static int result_of(enum sim_operation operation, int error)
{
    sim_trace(EVENT_MEMORY, (uint64_t)operation << 32 | (uint32_t)error);
    return error;
}

void sim_fail(enum sim_operation operation, uint32_t n, int error)
{
    assert(operation < SIM_OPERATION_COUNT);
    state.failures[operation].left = n;
    state.failures[operation].error = error;
}

/* Fuzzers look at every strcmp, which takes longer than this. */
static bool is_same(const char *left, const char *right)
{
    while (*left == *right && *left != '\0') {
        left++;
        right++;
    }
    return *left == *right;
}

static struct object *find(const char *name)
{
    for (uint32_t i = 0; i < state.count; i++) {
        if (objects[i].name[0] != '\0' && is_same(objects[i].name, name)) {
            return &objects[i];
        }
    }
    return NULL;
}

static struct object *object_of(const struct os_memory *memory)
{
    assert(memory->file[0] < state.count);
    struct object *object = &objects[memory->file[0]];
    return object->exists && object->serial == memory->file[1] ? object : NULL;
}

static void release(struct object *object)
{
    if (object->mappings == 0 && object->name[0] == '\0' && object->exists) {
        state.living -= object->size;
        object->exists = false;
        object->published = false;
    }
}

static bool is_seen(const struct object *object, uint32_t process)
{
    return (sim_hot.options.apart ? object->mapped[process] : object->mappings) != 0;
}

static int map(struct object *object, struct os_memory *memory)
{
    uint32_t process = sim_current_process();
    uint32_t view = view_of(process);
    int error = sim_view_need(view);
    if (error != 0) {
        return error;
    }
    void *address = sim_view(view, object->place);
    if (!is_seen(object, process)) {
        sim_view_show(view, object->place, object->size);
    }
    object->mapped[process]++;
    object->mappings++;
    *memory = (struct os_memory){
        .address = address, .size = object->size, .file = {(uint64_t)(object - objects), object->serial}};
    return 0;
}

static void unmap(struct object *object, uint32_t process, uint32_t times)
{
    object->mapped[process] = (uint16_t)(object->mapped[process] - times);
    object->mappings -= times;
    if (!is_seen(object, process)) {
        sim_view_hide(view_of(process), object->place, object->size);
    }
    release(object);
}

static struct object *free_entry(void)
{
    for (uint32_t i = 0; i < state.count; i++) {
        if (!objects[i].exists) {
            return &objects[i];
        }
    }
    return state.count < OBJECTS_MAX ? &objects[state.count++] : NULL;
}

/* The object that is in the way of another one there, NULL: none. */
static const struct object *obstacle(size_t place, size_t size)
{
    for (uint32_t i = 0; i < state.count; i++) {
        const struct object *object = &objects[i];
        if (object->exists && place < object->place + object->size + GAP &&
            object->place < place + size + GAP) {
            return object;
        }
    }
    return NULL;
}

/* Where the first place begins behind what ends there. */
static size_t place_behind(size_t end)
{
    return (end + GAP) / OS_MEMORY_ALIGNMENT * OS_MEMORY_ALIGNMENT + OS_MEMORY_ALIGNMENT;
}

/* A place that nobody has used in this world; where there is none any more, one whose objects are gone: a machine
 * gives back what they took. */
static int reserve(size_t size, size_t *place)
{
    size_t limit = sim_hot.options.memory;
    if (size > SIM_ARENA || (limit != 0 && state.living + size > limit)) {
        return ENOSPC;
    }
    size_t start = place_behind(state.used);
    if (start + size + GAP > SIM_ARENA) {
        const struct object *other;
        start = place_behind(0);
        while ((other = obstacle(start, size)) != NULL) {
            start = place_behind(other->place + other->size);
        }
    }
    if (start + size + GAP > SIM_ARENA) {
        return ENOSPC;
    }
    *place = start;
    state.used = start + size > state.used ? start + size : state.used;
    return 0;
}

static int create(size_t size, struct os_memory *memory)
{
    size_t place = 0;
    int error = size == 0 ? EINVAL : sim_failure(SIM_CREATE);
    error = error == 0 ? sim_view_need(SIM_OWN_VIEW) : error;
    error = error == 0 ? reserve(size, &place) : error;
    struct object *object = error == 0 ? free_entry() : NULL;
    if (object == NULL) {
        return error != 0 ? error : ENOSPC;
    }
    sim_view_clear(place, size);
    *object = (struct object){.exists = true, .place = place, .size = size, .serial = ++state.serial};
    state.living += size;
    error = map(object, memory);
    release(object); /* where it could not be mapped */
    return error;
}

int os_memory_create(size_t size, struct os_memory *memory)
{
    return result_of(SIM_CREATE, create(size, memory));
}

static void names_changed(void)
{
    atomic_fetch_add(&state.changes, 1);
    os_wake(&state.changes);
}

int os_memory_publish(struct os_memory *memory, const char *name)
{
    struct object *object = object_of(memory);
    assert(object != NULL && object->name[0] == '\0');
    int error = sim_failure(SIM_PUBLISH);
    if (error == 0 && (name[0] == '\0' || strchr(name, '/') != NULL || strlen(name) >= OS_NAME_MAX)) {
        error = EINVAL;
    } else if (error == 0 && find(name) != NULL) {
        error = EEXIST;
    }
    if (error == 0) {
        strcpy(object->name, name);
        object->published = true;
        names_changed();
    }
    return result_of(SIM_PUBLISH, error);
}

int os_memory_open(const char *name, struct os_memory *memory)
{
    struct object *object = find(name);
    int error = sim_failure(SIM_OPEN);
    if (error == 0) {
        error = object != NULL ? map(object, memory) : ENOENT;
    }
    return result_of(SIM_OPEN, error);
}

void os_memory_unmap(struct os_memory *memory)
{
    if (memory->address != NULL) {
        uint32_t process = sim_current_process();
        struct object *object = object_of(memory);
        assert(object != NULL && object->mapped[process] > 0 && "only what the process has mapped");
        assert(memory->address == sim_view(view_of(process), object->place));
        unmap(object, process, 1);
        sim_trace(EVENT_MEMORY, memory->file[0]);
    }
    *memory = (struct os_memory){0};
}

static int unlink_object(struct object *object)
{
    int error = sim_failure(SIM_UNLINK);
    if (error == 0 && object == NULL) {
        error = ENOENT;
    }
    if (error == 0) {
        object->name[0] = '\0';
        release(object);
        names_changed();
    }
    return result_of(SIM_UNLINK, error);
}

int os_memory_unlink(const char *name)
{
    return unlink_object(find(name));
}

int os_memory_unlink_own(const char *name, const struct os_memory *memory)
{
    struct object *object = find(name);
    return unlink_object(object != NULL && object == object_of(memory) ? object : NULL);
}

/* --- watches --- */

int os_memory_watch(int *watch)
{
    int error = sim_failure(SIM_WATCH);
    int free = 0;
    while (free < WATCHES_MAX && state.watches[free].process != 0) {
        free++;
    }
    if (error == 0 && free == WATCHES_MAX) {
        error = EMFILE;
    }
    if (error == 0) {
        state.watches[free] = (struct watch){sim_current_process(), atomic_load(&state.changes)};
        *watch = free;
    }
    return result_of(SIM_WATCH, error);
}

int os_memory_watch_wait(int watch, int64_t deadline)
{
    assert(watch >= 0 && watch < WATCHES_MAX && state.watches[watch].process == sim_current_process());
    int result = os_wait(&state.changes, state.watches[watch].seen, deadline);
    state.watches[watch].seen = atomic_load(&state.changes);
    return result;
}

void os_memory_watch_close(int watch)
{
    assert(watch >= 0 && watch < WATCHES_MAX && state.watches[watch].process == sim_current_process());
    state.watches[watch].process = 0;
}

uint32_t sim_watches(void)
{
    uint32_t count = 0;
    for (int i = 0; i < WATCHES_MAX; i++) {
        count += state.watches[i].process != 0;
    }
    return count;
}

/* --- the world's ends --- */

void sim_memory_kill(uint32_t process)
{
    for (uint32_t i = 0; i < state.count; i++) {
        if (objects[i].exists && objects[i].mapped[process] != 0) {
            unmap(&objects[i], process, objects[i].mapped[process]);
        }
    }
    for (int i = 0; i < WATCHES_MAX; i++) {
        if (state.watches[i].process == process) {
            state.watches[i].process = 0;
        }
    }
}

void sim_memory_reset(void)
{
    for (uint32_t process = 1; process <= SIM_PROCESSES_MAX && state.count != 0; process++) {
        sim_memory_kill(process);
    }
    memset(objects, 0, state.count * sizeof objects[0]);
    memset(&state, 0, sizeof state);
}

/* --- questions --- */

bool sim_object_at(uint64_t place, char name[OS_NAME_MAX], uint64_t *offset)
{
    uint64_t at = place & ~SIM_SHARED;
    for (uint32_t i = 0; (place & SIM_SHARED) != 0 && i < state.count; i++) {
        const struct object *object = &objects[i];
        if (object->exists && at >= object->place && at - object->place < object->size) {
            snprintf(name, OS_NAME_MAX, "%s",
                     object->name[0] != '\0' ? object->name : "an object without a name");
            *offset = at - object->place;
            return true;
        }
    }
    return false;
}

bool sim_maps(const void *at, size_t size)
{
    uint64_t place = sim_place(at);
    for (uint32_t i = 0; (place & SIM_SHARED) != 0 && i < state.count; i++) {
        const struct object *object = &objects[i];
        uint64_t offset = (place & ~SIM_SHARED) - object->place;
        if (object->mappings != 0 && offset <= object->size && object->size - offset >= size) {
            return true;
        }
    }
    return false;
}

uint32_t sim_mappings(uint32_t process)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state.count; i++) {
        count += process != 0 ? objects[i].mapped[process] : objects[i].mappings;
    }
    return count;
}

uint32_t sim_names(char name[OS_NAME_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state.count; i++) {
        if (objects[i].name[0] != '\0') {
            count++;
            if (name != NULL) {
                memcpy(name, objects[i].name, OS_NAME_MAX);
            }
        }
    }
    return count;
}

uint8_t *sim_published(uint32_t index, size_t *size)
{
    uint32_t list[OBJECTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < state.count; i++) {
        if (objects[i].published) {
            list[count++] = i;
        }
    }
    if (count == 0) {
        return NULL;
    }
    const struct object *object = &objects[list[index % count]];
    *size = object->size;
    return sim_view(SIM_OWN_VIEW, object->place);
}
