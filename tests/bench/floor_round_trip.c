/* Ping-pong over two words, each on a cache line of its own with one writer. */
#include <limits.h>
#include <linux/futex.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "floors.h"
#include "os.h"

enum {
    SPIN_ROUNDS = 2000
};

struct word {
    alignas(64) _Atomic uint32_t value; /* how often it was said */
    _Atomic uint32_t asleep;            /* 1: the reader sleeps or is about to */
};

struct table {
    struct word ping, pong;
    uint32_t rounds, warm_up;
    bool spins;
};

static void say(struct word *word, uint32_t value, bool spins)
{
    if (!spins) {
        atomic_store_explicit(&word->value, value, memory_order_release);
        syscall(SYS_futex, &word->value, FUTEX_WAKE, 1, NULL, NULL, 0);
        return;
    }
    atomic_store(&word->value, value);
    if (atomic_load(&word->asleep) != 0) {
        syscall(SYS_futex, &word->value, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

static void hear(struct word *word, uint32_t value, bool spins)
{
    for (int i = 0; spins && i < SPIN_ROUNDS; i++) {
        if (atomic_load_explicit(&word->value, memory_order_acquire) == value) {
            return;
        }
        os_pause();
    }
    atomic_store(&word->asleep, 1);
    while (atomic_load(&word->value) != value) {
        syscall(SYS_futex, &word->value, FUTEX_WAIT, value - 1, NULL, NULL, 0);
    }
    atomic_store_explicit(&word->asleep, 0, memory_order_relaxed);
}

static int answer(void *argument)
{
    struct table *table = argument;
    for (uint32_t i = 1; i <= table->warm_up + table->rounds; i++) {
        hear(&table->ping, i, table->spins);
        say(&table->pong, i, table->spins);
    }
    return 0;
}

static int64_t ping_pong(const struct bench_load *load, bool spins)
{
    int64_t start = 0;
    int64_t elapsed = 0;
    struct table *table = bench_share(sizeof *table);
    if (table == NULL) {
        return 0;
    }
    table->rounds = load->rounds;
    table->warm_up = bench_warm_up(load);
    table->spins = spins;
    pid_t child = bench_fork(answer, table, load->cpus[1]);
    for (uint32_t i = 1; child > 0 && i <= table->warm_up + table->rounds; i++) {
        if (i == table->warm_up + 1) {
            start = bench_now();
        }
        say(&table->ping, i, spins);
        hear(&table->pong, i, spins);
    }
    elapsed = bench_now() - start;
    if (!bench_join(child)) {
        elapsed = 0;
    }
    bench_unshare(table, sizeof *table);
    return elapsed;
}

int64_t floor_spin_round_trips(const struct bench_load *load)
{
    return ping_pong(load, true);
}

int64_t floor_futex_round_trips(const struct bench_load *load)
{
    return ping_pong(load, false);
}
