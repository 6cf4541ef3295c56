/* What core allocates, by process: its heap ends with it. */
#include <stdlib.h>
#include <string.h>

#include "sim_internal.h"

enum {
    BLOCKS_MAX = 1024 /* more is out of memory: a set of 64 devices has about 150 */
};

static struct block {
    void *address;
    uint32_t process;
} blocks[BLOCKS_MAX];
static uint32_t block_count;

void *sim_calloc(size_t count, size_t size)
{
    bool fails = sim_failure(SIM_ALLOCATE) != 0 || block_count == BLOCKS_MAX;
    void *address = fails ? NULL : calloc(count, size);
    if (address != NULL) {
        blocks[block_count++] = (struct block){address, sim_current_process()};
    }
    return address;
}

void *sim_malloc(size_t size)
{
    return sim_calloc(1, size);
}

void sim_free(void *address)
{
    /* The newest first: what is freed is often what was just allocated. */
    for (uint32_t i = block_count; address != NULL && i-- > 0;) {
        if (blocks[i].address == address) {
            blocks[i] = blocks[--block_count];
            break;
        }
    }
    free(address);
}

void sim_heap_kill(uint32_t process)
{
    for (uint32_t i = block_count; i-- > 0;) {
        if (blocks[i].process == process) {
            free(blocks[i].address);
            blocks[i] = blocks[--block_count];
        }
    }
}

/* What living processes have not freed is theirs still, and a leak if they have forgotten it. */
void sim_heap_reset(void)
{
    memset(blocks, 0, block_count * sizeof blocks[0]);
    block_count = 0;
}
