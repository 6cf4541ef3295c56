/* call_client.c - calls GetCommand and CompleteCommand in turn and prints the nanoseconds of all calls.
 *
 *     call_client BURSTS CALLS
 *
 * The calls of a burst fit into a ring of events; where they are recorded, the ring is emptied after each burst,
 * which is not counted, as another processor does it in a run. Built with WITH_FIU it asks libfiu before each
 * call, while another point of failure than the one asked for is enabled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runstate.h"
#include "vdi.h"

#ifdef WITH_FIU
#define FIU_ENABLE 1
#include <fiu-control.h>
#include <fiu.h>
#endif

enum {
    DEPTH = 6 /* functions between main and the calls */
};

struct client {
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device;
    int bursts, calls;
    struct collector *collector;
};

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool fails(const char *point)
{
#ifdef WITH_FIU
    return fiu_fail(point) != 0;
#else
    (void)point;
    return false;
#endif
}

static int64_t burst(struct client *client)
{
    VDC_Command *command = NULL;
    int64_t start = now();
    for (int i = 0; i < client->calls; i += 2) {
        if (!fails("vdi/GetCommand") && vdi_device_get_command(client->device, 1000, &command) != 0) {
            return -1;
        }
        if (!fails("vdi/CompleteCommand") &&
            vdi_device_complete_command(client->device, command, 0, 65536, 0) != 0) {
            return -1;
        }
    }
    return now() - start;
}

static void forget(void *context, const struct event *event, const char *text)
{
    (void)context, (void)event, (void)text;
}

/* What the runner has done before it starts a client. */
static void open_collector(struct client *client)
{
    const char *folder = getenv("VDIFAULT_TRACE");
    struct run_state *state = NULL;
    if (folder != NULL && run_state_map(folder, &state) == 0) {
        collector_open(folder, state, &client->collector);
    }
}

static int64_t work(struct client *client)
{
    int64_t elapsed = 0;
    for (int i = 0; i <= client->bursts; i++) {
        int64_t one = burst(client);
        if (one < 0) {
            return -1;
        }
        elapsed += i == 0 ? 0 : one; /* the first warms up */
        if (client->collector != NULL) {
            collector_drain(client->collector, forget, NULL);
        }
    }
    return elapsed;
}

static __attribute__((noinline)) int64_t descend(struct client *client, int depth)
{
    int64_t elapsed = depth == 0 ? work(client) : descend(client, depth - 1);
    __asm__ __volatile__("" : "+r"(elapsed)); /* no tail call */
    return elapsed;
}

int main(int argc, char **argv)
{
    struct client client = {.bursts = argc > 1 ? atoi(argv[1]) : 1, .calls = argc > 2 ? atoi(argv[2]) : 2};
    VDConfig config = {.deviceCount = 1};
    char name[] = "bench";
#ifdef WITH_FIU
    fiu_init(0);
    fiu_enable("posix/io/rw/write", 1, NULL, 0);
#endif
    vdi_set_init(&client.set);
    if (vdi_set_create(&client.set, name, &config) != 0 ||
        vdi_set_open_device(&client.set, name, &client.device) != 0) {
        return 1;
    }
    open_collector(&client);
    int64_t elapsed = descend(&client, DEPTH);
    printf("%lld\n", (long long)elapsed);
    return elapsed > 0 ? 0 : 1;
}
