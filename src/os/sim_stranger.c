/* A stranger who has the set's objects mapped and writes what and when he likes. */
#include <string.h>

#include "random.h"
#include "sim_internal.h"

enum {
    WRITES_MAX = 64
};

static struct {
    struct {
        struct sim_write write;
        uint32_t left; /* steps until it happens; 0: free entry */
    } writes[WRITES_MAX];
    uint32_t writes_used; /* entries, so far */
    uint32_t writes_pending;
    uint64_t storm_seed;
    uint32_t storm_interval;
    uint32_t storm_left;
    uint32_t storm_steps;
} stranger;

void sim_stranger_reset(void)
{
    memset(stranger.writes, 0, stranger.writes_used * sizeof stranger.writes[0]);
    stranger.writes_used = stranger.writes_pending = stranger.storm_left = 0;
}

static uint64_t altered(uint64_t old, const struct sim_write *write)
{
    switch (write->how) {
    case SIM_ADD:
        return old + write->value;
    case SIM_FLIP:
        return old ^ write->value;
    default:
        return write->value;
    }
}

void sim_write_now(const struct sim_write *write)
{
    size_t size;
    uint8_t *bytes = sim_published(write->object, &size);
    if (bytes == NULL) {
        return;
    }
    size_t width = write->width < size ? write->width : 1;
    uint8_t *at = bytes + write->offset % (size - width + 1) / width * width;
    uint64_t value = 0;
    memcpy(&value, at, width);
    value = altered(value, write);
    memcpy(at, &value, width);
    sim_trace(EVENT_WRITE, value);
}

void sim_write_at(const struct sim_write *write, uint32_t steps)
{
    for (uint32_t i = 0; i < WRITES_MAX; i++) {
        if (stranger.writes[i].left == 0) {
            stranger.writes[i].write = *write;
            stranger.writes[i].left = steps + 1;
            stranger.writes_used = i < stranger.writes_used ? stranger.writes_used : i + 1;
            stranger.writes_pending++;
            sim_hot.due++;
            return;
        }
    }
}

void sim_storm(uint64_t seed, uint32_t interval, uint32_t count)
{
    stranger.storm_seed = seed;
    stranger.storm_interval = interval != 0 ? interval : 1;
    sim_hot.due += (count != 0) - (stranger.storm_left != 0);
    stranger.storm_left = count;
    stranger.storm_steps = 0;
}

static void blow(void)
{
    static const uint64_t values[] = {0, 1, 2, 3, 4, 15, 16, 17, 0x7fffffff, 0x80000000, 0xffffffff};
    uint64_t random = random_next(&stranger.storm_seed);
    struct sim_write write = {.object = 0,
                              .offset = (uint32_t)(random >> 8),
                              .width = (random & 7) == 0 ? 8 : 4,
                              .how = (enum sim_how)(random >> 3 & 1),
                              .value = random >> 40};
    if ((random >> 4 & 3) != 0) {
        write.value = values[(random >> 40) % (sizeof values / sizeof values[0])];
    }
    sim_write_now(&write);
}

void sim_stranger_step(void)
{
    for (uint32_t i = 0; stranger.writes_pending != 0 && i < stranger.writes_used; i++) {
        if (stranger.writes[i].left != 0 && --stranger.writes[i].left == 0) {
            stranger.writes_pending--;
            sim_hot.due--;
            sim_write_now(&stranger.writes[i].write);
        }
    }
    if (stranger.storm_left != 0 && ++stranger.storm_steps % stranger.storm_interval == 0) {
        stranger.storm_left--;
        sim_hot.due -= stranger.storm_left == 0;
        blow();
    }
}
