#include "local_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void forget(struct VDS_Command *command)
{
    (void)command;
}

/* A Write and a Flush to the device, in the order of a backup. */
static void send(struct local_server *server, uint32_t index)
{
    struct VDS_Command *write = &server->commands[index][0];
    struct VDS_Command *flush = &server->commands[index][1];
    server_command_init(write, forget, NULL);
    server_command_init(flush, forget, NULL);
    write->commandCode = VDC_Write;
    write->size = 1024;
    flush->commandCode = VDC_Flush;
    assert_int_equal(server_set_allocate_buffer(server->set, &write->buffer, LOCAL_TRANSFER, 0), 0);
    assert_int_equal(server_device_send_command(server->device[index], write), 0);
    assert_int_equal(server_device_send_command(server->device[index], flush), 0);
}

static int start(struct case_server *base, const char *set, uint32_t devices)
{
    struct local_server *server = (struct local_server *)base;
    char name[160];
    if (server->set == NULL) {
        server->set = server_set_new();
        assert_non_null(server->set);
    }
    assert_int_equal(server_set_open(server->set, set), 0);
    assert_int_equal(server_set_begin_configuration(server->set, VDF_WriteMedia, 512, 0, LOCAL_TRANSFER, 0),
                     0);
    for (uint32_t i = 0; i < devices; i++) {
        snprintf(name, sizeof name, i == 0 ? "%s" : "%s-%u", set, i);
        assert_int_equal(server_set_name_device(server->set, i, name), 0);
    }
    assert_int_equal(server_set_request_buffers(server->set, LOCAL_TRANSFER, 0, devices), 0);
    assert_int_equal(server_set_end_configuration(server->set), 0);
    server->devices = devices;
    for (uint32_t i = 0; i < devices; i++) {
        assert_int_equal(server_set_open_device(server->set, &server->device[i]), 0);
        send(server, i);
    }
    return 0;
}

/* What was sent before CloseDevice is delivered first. */
static void finish(struct case_server *base)
{
    struct local_server *server = (struct local_server *)base;
    for (uint32_t i = 0; i < server->devices; i++) {
        server_device_close(server->device[i]);
    }
}

static void stop(struct case_server *base)
{
    struct local_server *server = (struct local_server *)base;
    server_set_free(server->set);
    server->set = NULL;
}

void local_server_init(struct local_server *server)
{
    memset(server, 0, sizeof *server);
    server->base = (struct case_server){.start = start, .finish = finish, .stop = stop};
}
