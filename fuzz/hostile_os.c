/* See hostile_os.h. */
#include "hostile_os.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"
#include "random.h"
#include "shared_event.h"

enum {
    OBJECTS_MAX = 64,
    OBJECT_SIZE_MAX = 4 << 20,
    WRITES_MAX = 64,
    STEPS_MAX = 200000, /* 64 devices with names of 260 bytes, several times over */
    ALIGNMENT = 64,     /* as much as the format asks of an object's start */
};

struct object {
    char name[OS_NAME_MAX]; /* "" = none */
    uint8_t *bytes;         /* NULL: this entry is free */
    size_t size;
    uint32_t mappings;
    bool published; /* had a name: others may have it mapped */
};

static struct {
    struct object objects[OBJECTS_MAX];
    struct {
        struct hostile_write write;
        uint32_t left; /* steps until it happens; 0: free entry */
    } writes[WRITES_MAX];
    uint32_t writes_pending;
    uint64_t storm_seed;
    uint32_t storm_interval;
    uint32_t storm_left;
    uint32_t steps;
    const char *function;
    int64_t now;
    uint64_t serial;
    bool alive;
} world;

void hostile_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "hostile peer: in %s: ", world.function);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

/* --- the world --- */

static void release(struct object *object)
{
    if (object->mappings == 0 && object->name[0] == '\0') {
        free(object->bytes);
        *object = (struct object){0};
    }
}

void hostile_begin(void)
{
    memset(&world, 0, sizeof world);
    world.function = "begin";
    world.now = 1000000000;
    world.alive = true;
    event_set_spinning(false); /* it learns from one input for the next */
}

void hostile_end(bool honest)
{
    world.function = "end";
    for (uint32_t i = 0; i < OBJECTS_MAX; i++) {
        struct object *object = &world.objects[i];
        if (object->mappings != 0) {
            hostile_fail("%u mappings left of object %s", object->mappings, object->name);
        }
        if (honest && object->name[0] != '\0') {
            hostile_fail("object %s is left", object->name);
        }
        object->name[0] = '\0';
        release(object);
    }
}

void hostile_set_alive(bool alive)
{
    world.alive = alive;
}

bool hostile_maps(const void *at, size_t size)
{
    for (uint32_t i = 0; i < OBJECTS_MAX; i++) {
        const struct object *object = &world.objects[i];
        uintptr_t base = (uintptr_t)object->bytes;
        if (object->mappings != 0 && (uintptr_t)at >= base && (uintptr_t)at - base <= object->size &&
            object->size - ((uintptr_t)at - base) >= size) {
            return true;
        }
    }
    return false;
}

/* --- the stranger --- */

static uint64_t altered(uint64_t old, const struct hostile_write *write)
{
    switch (write->how) {
    case HOSTILE_ADD:
        return old + write->value;
    case HOSTILE_FLIP:
        return old ^ write->value;
    default:
        return write->value;
    }
}

void hostile_write_now(const struct hostile_write *write)
{
    struct object *objects[OBJECTS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < OBJECTS_MAX; i++) {
        if (world.objects[i].published) {
            objects[count++] = &world.objects[i];
        }
    }
    if (count == 0) {
        return;
    }
    struct object *object = objects[write->object % count];
    size_t width = write->width < object->size ? write->width : 1;
    uint8_t *at = object->bytes + write->offset % (object->size - width + 1) / width * width;
    uint64_t value = 0;
    memcpy(&value, at, width);
    value = altered(value, write);
    memcpy(at, &value, width);
}

void hostile_write_at(const struct hostile_write *write, uint32_t steps)
{
    for (uint32_t i = 0; i < WRITES_MAX; i++) {
        if (world.writes[i].left == 0) {
            world.writes[i].write = *write;
            world.writes[i].left = steps + 1;
            world.writes_pending++;
            return;
        }
    }
}

void hostile_storm(uint64_t seed, uint32_t interval, uint32_t count)
{
    world.storm_seed = seed;
    world.storm_interval = interval != 0 ? interval : 1;
    world.storm_left = count;
}

static void blow(void)
{
    static const uint64_t values[] = {0, 1, 2, 3, 4, 15, 16, 17, 0x7fffffff, 0x80000000, 0xffffffff};
    uint64_t random = random_next(&world.storm_seed);
    struct hostile_write write = {.object = 0,
                                  .offset = (uint32_t)(random >> 8),
                                  .width = (random & 7) == 0 ? 8 : 4,
                                  .how = (enum hostile_how)(random >> 3 & 1),
                                  .value = random >> 40};
    if ((random >> 4 & 3) != 0) {
        write.value = values[(random >> 40) % (sizeof values / sizeof values[0])];
    }
    hostile_write_now(&write);
}

static void count_step(void)
{
    if (++world.steps > STEPS_MAX) {
        hostile_fail("more than %d steps", STEPS_MAX);
    }
}

void shared_step(enum shared_access access, const void *field)
{
    (void)access;
    (void)field;
    count_step();
    for (uint32_t i = 0; world.writes_pending != 0 && i < WRITES_MAX; i++) {
        if (world.writes[i].left != 0 && --world.writes[i].left == 0) {
            world.writes_pending--;
            hostile_write_now(&world.writes[i].write);
        }
    }
    if (world.storm_left != 0 && world.steps % world.storm_interval == 0) {
        world.storm_left--;
        blow();
    }
}

void hostile_call(const char *function)
{
    world.function = function;
    world.steps = 0;
}

/* --- os.h: objects --- */

static struct object *find(const char *name)
{
    for (uint32_t i = 0; i < OBJECTS_MAX; i++) {
        if (world.objects[i].bytes != NULL && strcmp(world.objects[i].name, name) == 0) {
            return &world.objects[i];
        }
    }
    return NULL;
}

static struct object *object_of(const struct os_memory *memory)
{
    return &world.objects[memory->file[0]];
}

static void map(struct object *object, struct os_memory *memory)
{
    object->mappings++;
    *memory = (struct os_memory){.address = object->bytes,
                                 .size = object->size,
                                 .file = {(uint64_t)(object - world.objects), world.serial}};
}

int os_memory_create(size_t size, struct os_memory *memory)
{
    void *bytes = NULL;
    if (size == 0 || size > OBJECT_SIZE_MAX) {
        return ENOSPC;
    }
    for (uint32_t i = 0; i < OBJECTS_MAX; i++) {
        struct object *object = &world.objects[i];
        if (object->bytes == NULL) {
            if (posix_memalign(&bytes, ALIGNMENT, size) != 0) {
                return ENOMEM;
            }
            memset(bytes, 0, size);
            *object = (struct object){.bytes = bytes, .size = size};
            world.serial++;
            map(object, memory);
            return 0;
        }
    }
    return ENOSPC;
}

int os_memory_publish(struct os_memory *memory, const char *name)
{
    if (name[0] == '\0' || strchr(name, '/') != NULL || strlen(name) >= OS_NAME_MAX) {
        hostile_fail("object name \"%s\"", name);
    }
    if (find(name) != NULL) {
        return EEXIST;
    }
    strcpy(object_of(memory)->name, name);
    object_of(memory)->published = true;
    return 0;
}

int os_memory_open(const char *name, struct os_memory *memory)
{
    struct object *object = find(name);
    if (object == NULL) {
        return ENOENT;
    }
    map(object, memory);
    return 0;
}

void os_memory_unmap(struct os_memory *memory)
{
    if (memory->address != NULL) {
        struct object *object = object_of(memory);
        if (object->bytes != memory->address || object->mappings == 0) {
            hostile_fail("unmaps what is not mapped");
        }
        object->mappings--;
        release(object);
    }
    *memory = (struct os_memory){0};
}

int os_memory_unlink(const char *name)
{
    struct object *object = find(name);
    if (object == NULL) {
        return ENOENT;
    }
    object->name[0] = '\0';
    release(object);
    return 0;
}

int os_memory_unlink_own(const char *name, const struct os_memory *memory)
{
    struct object *object = find(name);
    return object != NULL && object->bytes == memory->address ? os_memory_unlink(name) : ENOENT;
}

/* --- os.h: waiting, time, processes --- */

int os_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    count_step();
    if (atomic_load(word) != expected) {
        return 0;
    }
    if (deadline == OS_FOREVER) {
        hostile_fail("waits for ever");
    }
    world.now = deadline > world.now ? deadline : world.now;
    return ETIMEDOUT;
}

void os_wake(_Atomic uint32_t *word)
{
    if (!hostile_maps(word, sizeof *word)) {
        (void)atomic_load(word); /* a word of the process's own: AddressSanitizer checks it */
    }
}

int64_t os_now(void)
{
    return world.now += 1000;
}

void os_pause(void)
{
    count_step();
}

struct os_process os_process_self(void)
{
    return (struct os_process){.pid = 42, .start_time = 4242};
}

bool os_process_alive(const struct os_process *process)
{
    return process->pid != 0 && world.alive;
}
