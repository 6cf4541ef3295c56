/* Shared memory of the simulation: objects, names, failures, what AddressSanitizer sees, and a stranger (os/sim.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

static int begin(void **unused)
{
    (void)unused;
    sim_begin(&(struct sim_options){0});
    return 0;
}

static int begin_apart(void **unused)
{
    (void)unused;
    sim_begin(&(struct sim_options){.apart = true});
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    sim_end();
    return 0;
}

static void make(const char *name, size_t size, struct os_memory *memory)
{
    assert_int_equal(os_memory_create(size, memory), 0);
    assert_int_equal(os_memory_publish(memory, name), 0);
}

/* --- objects and names --- */

static void test_an_object_lives_as_long_as_its_name_or_a_mapping(void **unused)
{
    (void)unused;
    struct os_memory made, opened, again;
    make("set", 1000, &made);
    assert_int_equal((uintptr_t)made.address % OS_MEMORY_ALIGNMENT, 0);
    for (size_t i = 0; i < made.size; i++) {
        assert_int_equal(((uint8_t *)made.address)[i], 0);
    }
    memset(made.address, 7, made.size);
    os_memory_unmap(&made);
    assert_null(made.address);
    assert_int_equal(sim_names(NULL), 1);
    assert_int_equal(os_memory_open("set", &opened), 0);
    assert_int_equal(((uint8_t *)opened.address)[999], 7);
    assert_int_equal(os_memory_unlink("set"), 0);
    assert_int_equal(os_memory_unlink("set"), ENOENT);
    assert_int_equal(os_memory_open("set", &again), ENOENT);
    assert_int_equal(((uint8_t *)opened.address)[0], 7);
    assert_true(sim_maps(opened.address, 1000));
    assert_false(sim_maps(opened.address, 1001));
    void *place = opened.address;
    os_memory_unmap(&opened);
    assert_false(sim_maps(place, 1));
    make("set", 1000, &made);
    assert_ptr_not_equal(made.address, place); /* nobody else gets it in this world */
    assert_int_equal(((uint8_t *)made.address)[0], 0);
}

static void test_names(void **unused)
{
    (void)unused;
    struct os_memory first, second;
    char name[OS_NAME_MAX];
    char long_name[OS_NAME_MAX + 1];
    memset(long_name, 'a', OS_NAME_MAX);
    long_name[OS_NAME_MAX] = '\0';
    make("set", 10, &first);
    assert_int_equal(os_memory_create(10, &second), 0);
    assert_int_equal(os_memory_publish(&second, "set"), EEXIST);
    assert_int_equal(os_memory_publish(&second, "a/b"), EINVAL);
    assert_int_equal(os_memory_publish(&second, ""), EINVAL);
    assert_int_equal(os_memory_publish(&second, long_name), EINVAL);
    assert_int_equal(os_memory_unlink_own("set", &second), ENOENT);
    assert_int_equal(os_memory_publish(&second, "other"), 0);
    assert_int_equal(os_memory_unlink_own("set", &first), 0);
    assert_int_equal(sim_names(name), 1);
    assert_string_equal(name, "other");
}

static void test_a_dead_process_leaves_what_has_a_name(void **unused)
{
    (void)unused;
    struct os_memory named, unnamed, opened;
    int watch;
    uint32_t client = sim_process("client");
    sim_become(client);
    make("set", 10, &named);
    assert_int_equal(os_memory_create(10, &unnamed), 0);
    assert_int_equal(os_memory_watch(&watch), 0);
    sim_become(1);
    sim_kill(client);
    assert_int_equal(sim_mappings(0) + sim_watches(), 0);
    assert_int_equal(sim_names(NULL), 1);
    assert_int_equal(os_memory_open("set", &opened), 0);
}

static _Atomic uint32_t turns;

static void watch_names(void *context)
{
    int watch;
    (void)context;
    assert_int_equal(os_memory_watch(&watch), 0);
    turns = 1;
    assert_int_equal(os_memory_watch_wait(watch, OS_FOREVER), 0);
    turns = 2;
    assert_int_equal(os_memory_watch_wait(watch, os_now() + 1000), ETIMEDOUT);
    turns = 3;
    os_memory_watch_close(watch);
}

static void test_a_watch_sees_names_come_and_go(void **unused)
{
    (void)unused;
    struct os_memory memory;
    sim_start(1, "watcher", watch_names, NULL);
    assert_int_equal(sim_run(OS_FOREVER), SIM_STUCK);
    assert_int_equal(turns, 1);
    make("set", 10, &memory);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    assert_int_equal(turns, 3);
    assert_int_equal(sim_watches(), 0);
}

/* --- failures --- */

static void test_failures(void **unused)
{
    (void)unused;
    struct os_memory memory, other;
    int watch;
    sim_fail(SIM_CREATE, 2, ENOSPC);
    assert_int_equal(os_memory_create(10, &memory), 0);
    assert_int_equal(os_memory_create(10, &other), ENOSPC);
    assert_int_equal(os_memory_create(10, &other), 0);
    sim_fail(SIM_PUBLISH, 1, EACCES);
    assert_int_equal(os_memory_publish(&memory, "set"), EACCES);
    assert_int_equal(os_memory_publish(&memory, "set"), 0);
    sim_fail(SIM_OPEN, 1, EPERM);
    sim_fail(SIM_UNLINK, 1, EBUSY);
    sim_fail(SIM_WATCH, 1, EMFILE);
    assert_int_equal(os_memory_open("set", &other), EPERM);
    assert_int_equal(os_memory_unlink_own("set", &memory), EBUSY);
    assert_int_equal(os_memory_watch(&watch), EMFILE);
    sim_fail(SIM_OPEN, 1, EPERM);
    sim_fail(SIM_OPEN, 0, 0);
    assert_int_equal(os_memory_open("set", &other), 0);
}

static void test_the_memory_there_is(void **unused)
{
    (void)unused;
    struct os_memory first, second;
    assert_int_equal(os_memory_create(SIZE_MAX, &first), ENOSPC);
    assert_int_equal(os_memory_create(0, &first), EINVAL);
    for (uint8_t i = 0; i < 3; i++, os_memory_unmap(&first)) { /* what is gone gives its memory back, as 0 */
        assert_int_equal(os_memory_create(40 << 20, &first), 0);
        assert_int_equal(os_memory_create(40 << 20, &second), ENOSPC);
        assert_int_equal(os_memory_create(1, &second), 0);
        assert_int_equal((*(uint8_t *)first.address)++, 0);
    }
    sim_begin(&(struct sim_options){.memory = 1000});
    assert_int_equal(os_memory_create(600, &first), 0);
    assert_int_equal(os_memory_create(600, &second), ENOSPC);
    os_memory_unmap(&first);
    assert_int_equal(os_memory_create(600, &second), 0);
}

static void test_allocations(void **unused)
{
    (void)unused;
    uint32_t client = sim_process("client");
    sim_become(client);
    uint8_t *lost = sim_calloc(2, 5); /* LeakSanitizer would say so */
    assert_int_equal(lost[9], 0);
    sim_free(sim_malloc(7));
    sim_fail(SIM_ALLOCATE, 1, ENOMEM);
    assert_null(sim_malloc(7));
    sim_become(1);
    void *kept = sim_malloc(7);
    sim_kill(client);
    sim_begin(&(struct sim_options){0});
    sim_free(kept);
    sim_free(NULL);
}

/* --- addresses of their own --- */

static struct os_memory seen_by_client;

static void client_waits(void *context)
{
    (void)context;
    assert_int_equal(os_memory_open("set", &seen_by_client), 0);
    _Atomic uint32_t *words = seen_by_client.address;
    assert_int_equal(os_wait(&words[3], 0, OS_FOREVER), 0);
    assert_int_equal(words[3], 5);
}

static void test_each_process_has_addresses_of_its_own(void **unused)
{
    (void)unused;
    struct os_memory memory;
    make("set", 64, &memory);
    uint32_t client = sim_process("client");
    sim_start(client, "thread", client_waits, NULL);
    assert_int_equal(sim_run(OS_FOREVER), SIM_STUCK);
    assert_ptr_not_equal(seen_by_client.address, memory.address);
    assert_int_equal((uintptr_t)seen_by_client.address % OS_MEMORY_ALIGNMENT, 0);
    _Atomic uint32_t *words = memory.address;
    words[3] = 5;
    os_wake(&words[3]);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    assert_true(sim_maps(seen_by_client.address, 64));
}

/* --- fork --- */

static void test_a_childs_worlds_are_its_own(void **unused)
{
    (void)unused;
    struct os_memory memory;
    int status;
    make("set", 64, &memory);
    uint8_t *bytes = memory.address;
    bytes[0] = 5;
    pid_t child = fork();
    if (child == 0) {
        sim_begin(&(struct sim_options){0});
        bool made = os_memory_create(64, &memory) == 0;
        bool same = made && memory.address == bytes && bytes[0] == 0;
        bytes[0] = 6;
        _exit(same ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(bytes[0], 5);
}

/* --- what AddressSanitizer sees --- */

#ifdef HAS_ASAN

/* A report takes a second where it looks for names in a program under load. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "symbolize=0";
}

static struct os_memory object;
static uint8_t sum;

static void touch(size_t offset)
{
    sum = (uint8_t)(sum + ((uint8_t *)object.address)[offset]);
}

static void touch_inside(void)
{
    touch(0);
    touch(object.size - 1);
}

static void touch_behind(void)
{
    touch(object.size);
}

static void touch_before(void)
{
    sum = ((uint8_t *)((uintptr_t)object.address - 1))[0];
}

static void touch_unmapped(void)
{
    void *address = object.address;
    os_memory_unmap(&object);
    object.address = address;
    touch(0);
}

static void touch_the_last_world(void)
{
    sim_begin(&(struct sim_options){0});
    touch(0);
}

/* Another process has it mapped still. */
static void touch_what_another_has(void)
{
    struct os_memory kept;
    os_memory_publish(&object, "set");
    sim_become(sim_process("other"));
    os_memory_open("set", &kept);
    sim_become(1);
    touch_unmapped();
}

static void touch_in_a_fiber(void *context)
{
    uint8_t local[16] = {0};
    uint8_t *bytes = local;
    (void)context;
    for (size_t i = 0; i <= (sum == 255 ? 0 : sizeof local); i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
}

static void touch_the_heap_of_the_dead(void)
{
    uint32_t client = sim_process("client");
    sim_become(client);
    uint8_t *block = sim_malloc(1);
    sim_become(1);
    sim_kill(client);
    sum = *block;
}

static void touch_behind_a_local(void)
{
    sum = 0;
    sim_start(1, "fiber", touch_in_a_fiber, NULL);
    sim_run(OS_FOREVER);
}

/* Runs `deed` in a child; the report it ends with, "" = none. */
static void report_of(void (*deed)(void), char *report, size_t size)
{
    int ends[2];
    int status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        deed();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    char rest[256];
    for (ssize_t got = 1; got > 0;) {
        bool full = length + 1 >= size;
        got = read(ends[0], full ? rest : report + length, full ? sizeof rest : size - 1 - length);
        length += full || got < 0 ? 0 : (size_t)got;
    }
    report[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WIFEXITED(status) && WEXITSTATUS(status) == 0, length == 0);
}

static void test_a_byte_too_far_is_reported(void **unused)
{
    (void)unused;
    static const struct {
        void (*deed)(void);
        bool apart;
        const char *report;
    } cases[] = {
        {touch_inside, false, NULL},
        {touch_behind, false, "use-after-poison"},
        {touch_before, false, "use-after-poison"},
        {touch_unmapped, false, "use-after-poison"},
        {touch_the_last_world, false, "use-after-poison"},
        {touch_what_another_has, false, NULL},
        {touch_what_another_has, true, "use-after-poison"},
        {touch_the_heap_of_the_dead, false, "heap-use-after-free"},
        {touch_behind_a_local, false, "stack-buffer-overflow"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t size = 1000; size < 1008; size += 7) { /* it ends with a word, or one byte before */
            char report[4096];
            sim_begin(&(struct sim_options){.apart = cases[i].apart});
            assert_int_equal(os_memory_create(size, &object), 0);
            report_of(cases[i].deed, report, sizeof report);
            sim_end();
            if (cases[i].report == NULL) {
                assert_string_equal(report, "");
            } else if (strstr(report, cases[i].report) == NULL) {
                fail_msg("case %zu, %zu bytes: no %s in \"%s\"", i, size, cases[i].report, report);
            }
        }
    }
}

#else

static void test_a_byte_too_far_is_reported(void **unused)
{
    (void)unused;
    skip(); /* needs AddressSanitizer */
}

#endif

/* --- the stranger --- */

static void test_writes_at_once(void **unused)
{
    (void)unused;
    struct os_memory memory, unnamed;
    assert_int_equal(os_memory_create(16, &unnamed), 0);
    sim_write_now(&(struct sim_write){.width = 4, .value = 1}); /* nothing that he could have mapped */
    make("set", 16, &memory);
    uint32_t *words = memory.address;
    sim_write_now(&(struct sim_write){.object = 3, .offset = 5, .width = 4, .how = SIM_SET, .value = 7});
    assert_int_equal(words[1], 7);
    sim_write_now(&(struct sim_write){.offset = 4, .width = 4, .how = SIM_ADD, .value = UINT32_MAX});
    assert_int_equal(words[1], 6);
    sim_write_now(&(struct sim_write){.offset = 4, .width = 1, .how = SIM_FLIP, .value = 0xff});
    assert_int_equal(words[1], 0xf9);
    sim_write_now(&(struct sim_write){.offset = 14, .width = 8, .how = SIM_SET, .value = UINT64_MAX});
    assert_int_equal(words[0] & words[1], UINT32_MAX); /* 14 modulo the nine places */
    assert_int_equal(((uint8_t *)unnamed.address)[0], 0);
}

static uint32_t seen[8];

static void look_at_every_step(void *context)
{
    _Atomic uint32_t *words = context;
    for (int i = 0; i < 8; i++) {
        sim_step(false, words);
        seen[i] = words[0];
    }
}

static void test_writes_at_a_step(void **unused)
{
    (void)unused;
    struct os_memory memory;
    make("set", 4, &memory);
    sim_start(1, "reader", look_at_every_step, memory.address);
    sim_write_at(&(struct sim_write){.width = 4, .how = SIM_ADD, .value = 1}, 0);
    sim_write_at(&(struct sim_write){.width = 4, .how = SIM_ADD, .value = 10}, 3);
    assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
    static const uint32_t expected[8] = {1, 1, 1, 11, 11, 11, 11, 11};
    assert_memory_equal(seen, expected, sizeof expected);
}

static void test_a_storm_is_the_same_every_time(void **unused)
{
    (void)unused;
    uint64_t hashes[3];
    for (uint32_t i = 0; i < 3; i++) {
        struct os_memory memory;
        sim_begin(&(struct sim_options){0});
        make("set", 4, &memory);
        sim_start(1, "reader", look_at_every_step, memory.address);
        sim_storm(5 + i / 2, 2, 3);
        assert_int_equal(sim_run(OS_FOREVER), SIM_DONE);
        hashes[i] = sim_hash();
    }
    assert_true(hashes[0] == hashes[1]);
    assert_true(hashes[0] != hashes[2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_object_lives_as_long_as_its_name_or_a_mapping, begin, end),
        cmocka_unit_test_setup_teardown(test_names, begin, end),
        cmocka_unit_test_setup_teardown(test_a_dead_process_leaves_what_has_a_name, begin, end),
        cmocka_unit_test_setup_teardown(test_a_watch_sees_names_come_and_go, begin, end),
        cmocka_unit_test_setup_teardown(test_failures, begin, end),
        cmocka_unit_test_setup_teardown(test_the_memory_there_is, begin, end),
        cmocka_unit_test_setup_teardown(test_allocations, begin, end),
        cmocka_unit_test_setup_teardown(test_each_process_has_addresses_of_its_own, begin_apart, end),
        cmocka_unit_test_setup_teardown(test_a_childs_worlds_are_its_own, begin, end),
        cmocka_unit_test(test_a_byte_too_far_is_reported),
        cmocka_unit_test_setup_teardown(test_writes_at_once, begin, end),
        cmocka_unit_test_setup_teardown(test_writes_at_a_step, begin, end),
        cmocka_unit_test_setup_teardown(test_a_storm_is_the_same_every_time, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
