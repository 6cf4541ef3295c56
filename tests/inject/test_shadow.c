/* test_shadow.c - the table of sets and devices under threads that enter it at the same time. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fork_server.h"
#include "next.h"
#include "shadow.h"
#include "shortage.h"

enum {
    THREADS = 2,
    ROUNDS = 20000,
    PLACE = 16 /* between two objects */
};

/* Of the loader's side, which is not here. */
bool next_is_library(const void *address)
{
    (void)address;
    return false;
}

/* Nobody asked for copies. */
_Atomic int fork_server_socket = -1;
void fork_server_first_call(void) {}

/* No plan makes anything short. */
void shortage_watch(void) {}

static struct shadow_set *set;
static pthread_barrier_t barrier;
static uintptr_t objects[THREADS];
static struct shadow_device *entries[THREADS];
static _Atomic uint32_t arrived;

/* Barriers alone let one thread run well before the other. */
static void start_together(uint32_t round)
{
    atomic_fetch_add(&arrived, 1);
    while (atomic_load(&arrived) < THREADS * (round + 1)) {
        sched_yield(); /* on a busy machine the other has to get a processor first */
    }
}

static void *open_devices(void *number)
{
    uintptr_t self = (uintptr_t)number;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        start_together(round);
        entries[self] = shadow_device_opened(set, (const void *)objects[self], (int32_t)self);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

/* The table's own hash: two objects are wanted whose search begins at the same entry. */
static size_t first_entry(uintptr_t object)
{
    return (size_t)(((uint64_t)object * 0x9e3779b97f4a7c15u) >> 40) % SHADOW_DEVICES_MAX;
}

static uintptr_t next_with_same_entry(uintptr_t object)
{
    uintptr_t other = object + PLACE;
    while (first_entry(other) != first_entry(object)) {
        other += PLACE;
    }
    return other;
}

/* Each set's life has new objects, so that every opening takes an entry of an earlier life. */
static void devices_opened_at_once_are_all_known(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    uint32_t lost = 0;
    set = shadow_set((const void *)(uintptr_t)0x1000);
    assert_non_null(set);
    pthread_barrier_init(&barrier, NULL, THREADS + 1);
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, open_devices, (void *)i), 0);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        shadow_set_opened(set, 0, false);
        objects[0] = 0x10000 + (uintptr_t)round * PLACE * 7919;
        objects[1] = next_with_same_entry(objects[0]);
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
        for (uintptr_t i = 0; i < THREADS; i++) {
            struct shadow_device *found = shadow_device((const void *)objects[i]);
            lost += found == NULL || found != entries[i] || atomic_load(&found->index) != (int32_t)i;
        }
        lost += atomic_load(&set->open_devices) != THREADS;
    }
    for (uintptr_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_barrier_destroy(&barrier);
    assert_int_equal(lost, 0);
}

static void an_object_at_a_known_address_is_a_new_one(void **state)
{
    (void)state;
    const void *object = (const void *)(uintptr_t)0x2000;
    struct shadow_set *first = shadow_set(object);
    uint64_t number = atomic_load(&first->number);
    assert_ptr_equal(shadow_set(object), first);
    assert_int_equal(atomic_load(&first->number), number);
    shadow_set_constructed(object);
    assert_ptr_equal(shadow_set(object), first);
    assert_int_equal(atomic_load(&first->number), number + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_opened_at_once_are_all_known),
        cmocka_unit_test(an_object_at_a_known_address_is_a_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
