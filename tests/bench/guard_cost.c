/* guard_cost.c - what it costs to give a client a buffer of 64 KiB through the guard and to take it away again, by the
 * very functions that libvdifault.so calls, and every page of it touched once in between. */
#include "guard_cost.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "guard_internal.h"

enum {
    ALIASES = 4 /* taken in turn, as the guard does */
};

struct buffers {
    uint8_t *library;
    size_t size;
    struct slot *slots[ALIASES];
};

static void touch(const uint8_t *data, size_t size, bool writes)
{
    for (size_t i = 0; i < size; i += 4096) {
        uint8_t *byte = (uint8_t *)data + i;
        uint8_t value = *byte;
        __asm__ __volatile__("" : "+r"(value) : : "memory"); /* stays where it is */
        if (writes) {
            *byte = value;
        }
    }
}

static bool prepare(struct buffers *buffers, size_t size)
{
    *buffers = (struct buffers){.library = bench_share(size), .size = size};
    bool good = buffers->library != NULL && arena_open();
    for (int i = 0; good && i < ALIASES; i++) {
        buffers->slots[i] = arena_take(pages_needed(size, 0));
        good = buffers->slots[i] != NULL;
    }
    return good;
}

static int64_t guarded(const struct bench_load *load, int32_t code, bool copies)
{
    struct buffers buffers;
    bool writes = code == VDC_Read;
    bool good = prepare(&buffers, load->size);
    const VDC_Command command = {.commandCode = code, .size = (int32_t)load->size, .buffer = buffers.library};
    uint32_t warm_up = bench_warm_up(load);
    int64_t begin = bench_now();
    for (uint32_t i = 0; good && i < warm_up + load->rounds; i++) {
        struct slot *slot = buffers.slots[i % ALIASES];
        begin = i == warm_up ? bench_now() : begin;
        good = pages_place(slot, &command, copies, 512) == 0;
        if (good && copies) {
            good = pages_grant(slot, PROT_READ | PROT_WRITE) == 0 && pages_copy_in(slot) == 0;
        }
        good = good && pages_grant(slot, writes ? PROT_READ | PROT_WRITE : PROT_READ) == 0;
        if (good) {
            touch((uint8_t *)atomic_load(&slot->data), load->size, writes);
            if (copies && writes) {
                pages_copy_back(slot, load->size);
            }
            good = pages_revoke(slot) == 0;
        }
    }
    int64_t elapsed = bench_now() - begin;
    bench_unshare(buffers.library, load->size);
    if (!good) {
        fprintf(stderr, "the guard cannot map its pages\n");
    }
    return good ? elapsed : 0;
}

int64_t guard_of_write(const struct bench_load *load)
{
    return guarded(load, VDC_Write, false);
}

int64_t guard_of_read(const struct bench_load *load)
{
    return guarded(load, VDC_Read, false);
}

int64_t guard_of_read_by_copy(const struct bench_load *load)
{
    return guarded(load, VDC_Read, true);
}

int64_t guard_of_nothing(const struct bench_load *load)
{
    uint8_t *library = bench_share(load->size);
    if (library == NULL) {
        return 0;
    }
    int64_t begin = bench_now();
    for (uint32_t i = 0; i < load->rounds; i++) {
        touch(library, load->size, true);
    }
    int64_t elapsed = bench_now() - begin;
    bench_unshare(library, load->size);
    return elapsed;
}
