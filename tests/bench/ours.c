#include "ours.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "server.h"
#include "shared_event.h"

static const char *device_name(uint32_t index)
{
    static const char *const names[BENCH_DEVICES_MAX] = {"bench", "bench-1", "bench-2", "bench-3"};
    return names[index];
}

static uint32_t largest_transfer(const struct bench_load *load)
{
    return load->size > 65536 ? load->size : 65536; /* MAXTRANSFERSIZE is no less */
}

/* --- client --- */

struct client {
    struct bench_load load;
    int to_server; /* a byte goes here once the set exists */
};

struct consumer {
    pthread_t thread;
    struct client_device *device;
    uint8_t *sink;
    int result; /* what ended it */
};

static void *consume(void *argument)
{
    struct consumer *consumer = argument;
    struct VDC_Command *command;
    while ((consumer->result = client_device_get_command(consumer->device, -1, &command)) == 0) {
        if (command->size > 0) {
            memcpy(consumer->sink, command->buffer, (size_t)command->size);
        }
        client_device_complete_command(consumer->device, command, ERROR_SUCCESS, (uint64_t)command->size, 0);
    }
    return NULL;
}

/* Opens every device, then a thread each but for the first, which is ours. True: each ended with VD_E_CLOSE. */
static bool consume_all(struct client_set *set, const struct bench_load *load)
{
    struct consumer consumers[BENCH_DEVICES_MAX] = {0};
    bool good = true;
    uint32_t started = 1;
    for (uint32_t i = 0; i < load->devices; i++) {
        consumers[i].sink = bench_source(largest_transfer(load));
        good = good && consumers[i].sink != NULL &&
               client_set_open_device(set, device_name(i), &consumers[i].device) == 0;
    }
    for (; good && started < load->devices; started++) {
        if (pthread_create(&consumers[started].thread, NULL, consume, &consumers[started]) != 0) {
            client_set_signal_abort(set);
            break;
        }
    }
    if (good) {
        consume(&consumers[0]);
    }
    for (uint32_t i = 0; i < load->devices; i++) {
        if (i > 0 && i < started) {
            pthread_join(consumers[i].thread, NULL);
        }
        good = good && consumers[i].result == (int)VD_E_CLOSE;
        free(consumers[i].sink);
    }
    return good;
}

static int run_client(void *argument)
{
    struct client *client = argument;
    struct VDConfig config = {.deviceCount = client->load.devices};
    struct client_set *set = client_set_new();
    bool good = set != NULL && client_set_create(set, device_name(0), &config) == 0 &&
                write(client->to_server, "", 1) == 1 && client_set_get_configuration(set, -1, &config) == 0 &&
                consume_all(set, &client->load);
    client_set_free(set);
    return good ? 0 : 1;
}

/* --- server --- */

struct lane {
    struct server *server;
    struct server_device *device;
    uint32_t to_send;
    struct VDS_Command commands[BENCH_DEPTH];
};

struct server {
    struct bench_load load;
    bool steps; /* does rounds of the agent itself, instead of running the agent */
    struct server_set *set;
    uint8_t *source;
    uint32_t depth;
    uint32_t outstanding;
    int64_t start, end; /* of the rounds that count; 0: not yet */
    bool failed;
    struct lane lanes[BENCH_DEVICES_MAX];
};

static void send(struct lane *lane, struct VDS_Command *command)
{
    if (command->buffer != NULL) {
        memcpy(command->buffer, lane->server->source, (size_t)command->size);
    }
    lane->to_send--;
    lane->server->outstanding++;
    server_device_send_command(lane->device, command); /* refused: called back all the same */
}

static void send_rounds(struct server *server, uint32_t rounds)
{
    for (uint32_t i = 0; i < server->load.devices; i++) {
        struct lane *lane = &server->lanes[i];
        lane->to_send = rounds;
        for (uint32_t j = 0; j < server->depth && lane->to_send > 0; j++) {
            send(lane, &lane->commands[j]);
        }
    }
}

/* Nothing is outstanding: the rounds that count follow those to warm up; then the devices are closed. */
static void next_part(struct server *server)
{
    if (server->start == 0 && !server->failed) {
        server->start = bench_now();
        send_rounds(server, server->load.rounds);
        return;
    }
    server->end = bench_now();
    for (uint32_t i = 0; i < server->load.devices; i++) {
        server_device_close(server->lanes[i].device);
    }
}

static void completed(struct VDS_Command *command)
{
    struct lane *lane = (struct lane *)command->completionContext;
    struct server *server = lane->server;
    server->outstanding--;
    if (command->completionCode != ERROR_SUCCESS) {
        server->failed = true;
    } else if (lane->to_send > 0) {
        send(lane, command);
    }
    if (server->outstanding == 0) {
        next_part(server);
    }
}

static bool prepare_lane(struct server *server, struct lane *lane)
{
    uint32_t size = server->load.size;
    bool good = server_set_open_device(server->set, &lane->device) == 0;
    lane->server = server;
    for (uint32_t i = 0; good && i < server->depth; i++) {
        struct VDS_Command *command = &lane->commands[i];
        server_command_init(command, completed, lane);
        command->commandCode = size != 0 ? VDC_Write : VDC_Flush;
        command->size = (int32_t)size;
        good = size == 0 || server_set_allocate_buffer(server->set, &command->buffer, size, 0) == 0;
    }
    return good;
}

static bool configure(struct server *server)
{
    const struct bench_load *load = &server->load;
    uint32_t largest = largest_transfer(load);
    bool good = server_set_begin_configuration(server->set, VDF_WriteMedia, 512, 0, largest, 0) == 0;
    for (uint32_t i = 0; i < load->devices; i++) {
        good = good && server_set_name_device(server->set, i, device_name(i)) == 0;
    }
    good = good && server_set_request_buffers(server->set, largest, 0, load->devices * server->depth) == 0 &&
           server_set_end_configuration(server->set) == 0;
    for (uint32_t i = 0; i < load->devices; i++) {
        good = good && prepare_lane(server, &server->lanes[i]);
    }
    return good;
}

static int64_t serve(struct server *server)
{
    enum server_set_state state = SERVER_SET_LIVE;
    send_rounds(server, bench_warm_up(&server->load));
    if (!server->steps) {
        server_set_execute_completion_agent(server->set);
    }
    while (server->end == 0) {
        server_set_wait(server->set, OS_FOREVER);
        server_set_run_completions(server->set, &state);
    }
    return server->failed ? 0 : server->end - server->start;
}

static int64_t run_server(struct server *server)
{
    int64_t elapsed = 0;
    server->source = bench_source(server->load.size);
    server->set = server_set_new();
    if (server->source != NULL && server->set != NULL && server_set_open(server->set, device_name(0)) == 0 &&
        configure(server)) {
        elapsed = serve(server);
    }
    server_set_free(server->set);
    free(server->source);
    return elapsed;
}

/* --- both --- */

static int64_t run_pair(const struct bench_load *load, bool spins, bool steps)
{
    int ready[2];
    char byte;
    int64_t elapsed = 0;
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL || pipe(ready) != 0) {
        free(server);
        return 0;
    }
    event_set_spinning(spins);
    server->load = *load;
    server->steps = steps;
    server->depth = load->size != 0 ? BENCH_DEPTH : 1;
    struct client client = {.load = *load, .to_server = ready[1]};
    pid_t child = bench_fork(run_client, &client, load->cpus[1]);
    close(ready[1]);
    if (child > 0 && read(ready[0], &byte, 1) == 1) {
        elapsed = run_server(server);
    }
    close(ready[0]);
    free(server);
    return bench_join(child) ? elapsed : 0;
}

int64_t ours_spin(const struct bench_load *load)
{
    return run_pair(load, true, false);
}

int64_t ours_blocking(const struct bench_load *load)
{
    return run_pair(load, false, false);
}

int64_t ours_stepping(const struct bench_load *load)
{
    return run_pair(load, true, true);
}
