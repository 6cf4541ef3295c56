/* peer_fuzzer.c - a peer that writes anything anywhere in the segment at any time.
 *
 * The input is a program: calls of a client, a secondary and a server on one set, and writes of a stranger to
 * the memory they share, between the calls and before any access inside them. Whatever is written, no call
 * crashes, touches memory outside its objects (AddressSanitizer), goes on for ever, or gives what the
 * documents do not list: hostile_world.h checks each one.
 *
 * A program starts with three bytes: the shape of the set, its features, and whether both sides are brought to
 * Active at once.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "hostile_check.h"
#include "hostile_input.h"
#include "hostile_world.h"
#include "layout.h"
#include "shared_event.h"
#include "sim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    OPERATIONS_MAX = 200,
    MEMORY = 16 << 20, /* more takes time to fill with zeros */
};

/* --- the stranger --- */

static void lie_now(struct world *world, struct input *input)
{
    struct sim_write write = take_write(input);
    (void)world;
    sim_write_now(&write);
}

static void lie_later(struct world *world, struct input *input)
{
    uint32_t steps = take8(input);
    struct sim_write write = take_write(input);
    (void)world;
    sim_write_at(&write, steps < 128 ? steps : (steps - 128) * 16);
}

static void storm(struct world *world, struct input *input)
{
    uint32_t interval = 1 + take8(input) % 64;
    uint32_t count = take8(input);
    (void)world;
    sim_storm(take(input, 4), interval, count);
}

static void die(struct world *world, struct input *input)
{
    (void)world;
    sim_feign_death(1, (take8(input) & 1) == 0);
}

/* --- the client --- */

static int64_t take_timeout(struct input *input)
{
    uint8_t byte = take8(input);
    return byte < 224 ? 0 : (byte & 31) * 50; /* up to six slices */
}

static struct world_client *take_client(struct world *world, struct input *input)
{
    return &world->clients[take8(input) >= 192];
}

static void create_set(struct world *world, struct world_client *client, struct input *input)
{
    static const uint32_t counts[] = {1, 2, 3, 1, 2, 3, 64, 0};
    static const uint32_t prefixes[] = {0, 0, 0, 1, 512, 4096, 65536, 65537};
    static const uint32_t features[] = {VDF_LikePipe,        VDF_LikeTape,
                                        VDF_LikeDisk,        VDF_RequestComplete,
                                        VDF_LikePipe,        VDF_LikeDisk | VDF_Removable,
                                        VDF_SnapshotPrepare, 8};
    uint8_t shape = take8(input);
    struct VDConfig config = {.deviceCount = counts[shape & 7],
                              .prefixZoneSize = prefixes[shape >> 3 & 7],
                              .serverTimeOut = (shape & 0x40) != 0 ? 1000 : 0,
                              .alignment = (shape & 0x80) != 0 ? 4096 : 0};
    config.features = features[take8(input) & 7];
    world_create(world, client, &config);
}

static void create(struct world *world, struct input *input)
{
    create_set(world, &world->clients[0], input);
}

/* Another client, the same name: where the first one is dead, its leftovers are removed, whatever is in them. */
static void create_too(struct world *world, struct input *input)
{
    create_set(world, &world->clients[1], input);
}

static void open_in_secondary(struct world *world, struct input *input)
{
    (void)input;
    world_open_in_secondary(&world->clients[1]);
}

static void get_configuration(struct world *world, struct input *input)
{
    struct world_client *client = take_client(world, input);
    world_get_configuration(client, take_timeout(input));
}

static void open_device(struct world *world, struct input *input)
{
    struct world_client *client = take_client(world, input);
    world_open_device(client, take8(input));
}

static void get_command(struct world *world, struct input *input)
{
    struct world_client *client = take_client(world, input);
    uint8_t device = take8(input);
    world_get_command(client, device, take_timeout(input));
}

static void complete_command(struct world *world, struct input *input)
{
    static const int32_t codes[] = {0, 0, ERROR_HANDLE_EOF, ERROR_IO_DEVICE, ERROR_NOT_SUPPORTED, -1};
    static const uint64_t bytes[] = {0, 1, 512, 1024, 65536, 65537, 0x80000000, UINT64_MAX};
    struct world_client *client = take_client(world, input);
    uint8_t which = take8(input);
    uint8_t what = take8(input);
    world_complete_command(client, which & 7, which >> 3, codes[what % (sizeof codes / sizeof codes[0])],
                           bytes[what >> 5], what);
}

static void buffer_handles(struct world *world, struct input *input)
{
    struct world_client *from = take_client(world, input);
    struct world_client *to = take_client(world, input);
    world_buffer_handles(from, to, take8(input));
}

static void map_buffer_handle(struct world *world, struct input *input)
{
    struct world_client *client = take_client(world, input);
    world_map_buffer_handle(client, (uint32_t)take(input, 4));
}

static void signal_abort(struct world *world, struct input *input)
{
    world_signal_abort(take_client(world, input));
}

static void close_set(struct world *world, struct input *input)
{
    world_close(take_client(world, input));
}

/* --- the server --- */

static void server_open(struct world *world, struct input *input)
{
    (void)input;
    world_server_open(world);
}

static void server_get_configuration(struct world *world, struct input *input)
{
    (void)input;
    world_server_get_configuration(&world->server);
}

static void begin_configuration(struct world *world, struct input *input)
{
    static const uint32_t sizes[] = {512, 4096, 65536, 0, 100, 1024, 512, 512};
    uint8_t shape = take8(input);
    world_begin_configuration(&world->server, (shape & 1) != 0 ? VDF_WriteMedia : VDF_ReadMedia,
                              sizes[shape >> 1 & 7], (shape & 0x10) != 0 ? sizes[shape >> 5 & 7] : 0,
                              (shape & 0x80) != 0 ? 1 << 20 : 65536);
}

static void name_device(struct world *world, struct input *input)
{
    uint8_t which = take8(input);
    world_name_device(&world->server, which & 3, which >> 2);
}

static uint32_t take_size(struct input *input)
{
    static const uint32_t sizes[] = {1, 512, 1024, 4096, 65535, 65536, 0, 1 << 20};
    uint8_t which = take8(input);
    return which == 255 ? (uint32_t)take(input, 4) : sizes[which & 7];
}

static uint32_t take_alignment(struct input *input)
{
    static const uint32_t alignments[] = {0, 0, 0, 512, 4096, 65536, 3, 1u << 31};
    return alignments[take8(input) & 7];
}

static void request_buffers(struct world *world, struct input *input)
{
    uint32_t size = take_size(input);
    uint32_t alignment = take_alignment(input);
    uint8_t count = take8(input);
    world_request_buffers(&world->server, size, alignment, count == 255 ? UINT32_MAX : count & 15);
}

static void query_buffers(struct world *world, struct input *input)
{
    uint32_t size = take_size(input);
    world_query_buffers(&world->server, size, take_alignment(input));
}

static void end_configuration(struct world *world, struct input *input)
{
    (void)input;
    world_end_configuration(&world->server);
}

static void server_open_device(struct world *world, struct input *input)
{
    (void)input;
    world_server_open_device(&world->server);
}

static void allocate_buffer(struct world *world, struct input *input)
{
    uint32_t size = take_size(input);
    world_allocate_buffer(&world->server, size, take_alignment(input));
}

static void free_buffer(struct world *world, struct input *input)
{
    world_free_buffer(&world->server, take8(input));
}

static void is_shared_buffer(struct world *world, struct input *input)
{
    world_is_shared_buffer(&world->server, take8(input));
}

static void send_command(struct world *world, struct input *input)
{
    static const int32_t codes[] = {VDC_Write,      VDC_Read,      VDC_Write,       VDC_Read,     VDC_Flush,
                                    VDC_ClearError, VDC_SkipMarks, VDC_GetPosition, VDC_Complete, 99};
    uint8_t which = take8(input);
    int32_t code = codes[take8(input) % (sizeof codes / sizeof codes[0])];
    uint32_t size = take_size(input);
    world_send_command(&world->server, which & 3, code, which >> 2, size);
}

static void run_completions(struct world *world, struct input *input)
{
    world->server.resend = take8(input) & 3;
    world_run_completions(&world->server);
}

static void ask_server(struct world *world, struct input *input)
{
    world_ask_server(&world->server, take8(input));
}

static void server_wait(struct world *world, struct input *input)
{
    world_server_wait(&world->server, take_timeout(input) * 1000000);
}

static void completion_agent(struct world *world, struct input *input)
{
    (void)input;
    world_completion_agent(&world->server);
}

static void close_device(struct world *world, struct input *input)
{
    world_close_device(&world->server, take8(input));
}

static void server_signal_abort(struct world *world, struct input *input)
{
    (void)input;
    world_server_signal_abort(&world->server);
}

static void server_close(struct world *world, struct input *input)
{
    (void)input;
    world_server_close(&world->server);
}

/* --- many calls at once, for the deep states --- */

static void activate(struct world *world, struct input *input)
{
    (void)input;
    world_server_open(world);
    world_begin_configuration(&world->server, VDF_WriteMedia, 512, 0, 65536);
    for (uint32_t i = 0; i < ALL_DEVICES && i < world->device_count; i++) {
        world_name_device(&world->server, i, i);
    }
    world_request_buffers(&world->server, 1024, 0, 4);
    world_end_configuration(&world->server);
    world_get_configuration(&world->clients[0], 0);
    for (uint32_t i = 0; i < ALL_DEVICES && i < world->device_count; i++) {
        world_open_device(&world->clients[0], i);
        world_server_open_device(&world->server);
    }
    world_allocate_buffer(&world->server, 1024, 0);
    world_allocate_buffer(&world->server, 1024, 0);
}

/* A Write or Read goes out, is fetched, completed and called back. */
static void transfer(struct world *world, struct input *input)
{
    uint8_t device = take8(input);
    world_send_command(&world->server, device, (device & 0x80) != 0 ? VDC_Read : VDC_Write, device >> 2,
                       1024);
    world_get_command(&world->clients[0], device & 3, 0);
    world_complete_command(&world->clients[0], device & 3, 0, 0, 1024, 0);
    world_run_completions(&world->server);
}

static void terminate(struct world *world, struct input *input)
{
    (void)input;
    for (uint32_t i = 0; i < ALL_DEVICES; i++) {
        world_close_device(&world->server, i);
        world_get_command(&world->clients[0], i, 0);
    }
}

/* --- the program --- */

typedef void operation(struct world *world, struct input *input);

static operation *const operations[] = {
    lie_now,
    lie_now,
    lie_later,
    lie_later,
    lie_later,
    storm,
    die,
    activate,
    transfer,
    terminate,
    create,
    open_in_secondary,
    get_configuration,
    open_device,
    get_command,
    get_command,
    complete_command,
    complete_command,
    buffer_handles,
    map_buffer_handle,
    signal_abort,
    close_set,
    server_open,
    server_get_configuration,
    begin_configuration,
    name_device,
    request_buffers,
    query_buffers,
    end_configuration,
    server_open_device,
    allocate_buffer,
    free_buffer,
    is_shared_buffer,
    send_command,
    send_command,
    run_completions,
    run_completions,
    server_wait,
    completion_agent,
    close_device,
    server_signal_abort,
    server_close,
    create_too,
    ask_server,
};

/* The first ones: the stranger's doings. */
enum {
    LIES = 7
};

struct program {
    struct input input;
    bool honest; /* nobody lied */
};

static void run_program(void *context)
{
    struct program *program = context;
    struct input *input = &program->input;
    struct world world;
    sim_call("begin");
    if (world_begin(&world) != 0) {
        hostile_fail("no memory");
    }
    create(&world, input);
    if ((take8(input) & 1) != 0) {
        activate(&world, input);
    }
    for (int i = 0; i < OPERATIONS_MAX && input->at < input->end; i++) {
        uint32_t index = take8(input) % (sizeof operations / sizeof operations[0]);
        program->honest = program->honest && index >= LIES;
        operations[index](&world, input);
    }
    world_end(&world);
    sim_call("end");
}

static void check_end(enum sim_end end, bool honest)
{
    char name[OS_NAME_MAX];
    if (end == SIM_STUCK) {
        hostile_fail("waits for ever");
    }
    if (end == SIM_ENDLESS) {
        hostile_fail("more than %d steps", SIM_STEPS_MAX);
    }
    if (sim_mappings(0) + sim_watches() != 0) {
        hostile_fail("%u mappings and %u watches are left", sim_mappings(0), sim_watches());
    }
    if (honest && sim_names(name) != 0) {
        hostile_fail("object %s is left", name);
    }
}

/* One fiber, so that nobody else can end a wait: each ends with its deadline. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program program = {.input = {.at = data, .end = data + size}, .honest = true};
    event_set_spinning(false); /* it learns from one input for the next */
    sim_begin(&(struct sim_options){.memory = MEMORY});
    sim_start(1, "program", run_program, &program);
    check_end(sim_run(OS_FOREVER), program.honest);
    sim_end();
    return 0;
}
