#include "pair.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *namespace(void)
{
    static char space[32];
    snprintf(space, sizeof space, "coretest-%d", (int)getpid());
    return space;
}

const char *pair_device_name(const struct pair *pair, uint32_t index, char out[80])
{
    if (index == 0) {
        snprintf(out, 80, "%s", pair->name);
    } else {
        snprintf(out, 80, "%s-%u", pair->name, index);
    }
    return out;
}

void pair_prepare(struct pair *pair, uint32_t device_count)
{
    if (getenv("VDI_NAMESPACE") == NULL) {
        setenv("VDI_NAMESPACE", namespace(), 1);
    }
    memset(pair, 0, sizeof *pair);
    snprintf(pair->name, sizeof pair->name, "pair/%d", (int)getpid());
    pair->device_count = device_count;
    pair->client = client_set_new();
    assert_non_null(pair->client);
}

void pair_create(struct pair *pair, uint32_t device_count)
{
    struct VDConfig config = {.deviceCount = device_count};
    pair_prepare(pair, device_count);
    assert_int_equal(client_set_create(pair->client, pair->name, &config), 0);
}

void pair_open(struct pair *pair)
{
    if (pair->server == NULL) {
        pair->server = server_set_new();
        assert_non_null(pair->server);
    }
    assert_int_equal(server_set_open(pair->server, pair->name), 0);
}

void pair_configure(struct pair *pair, uint32_t buffer_count)
{
    char name[80];
    struct VDConfig config;
    assert_int_equal(server_set_get_configuration(pair->server, &config), 0);
    assert_int_equal(config.deviceCount, pair->device_count);
    assert_int_equal(server_set_begin_configuration(pair->server, VDF_WriteMedia, 512, 0, PAIR_TRANSFER, 0),
                     0);
    for (uint32_t i = 0; i < pair->device_count; i++) {
        assert_int_equal(server_set_name_device(pair->server, i, pair_device_name(pair, i, name)), 0);
    }
    assert_int_equal(server_set_request_buffers(pair->server, PAIR_TRANSFER, 0, buffer_count), 0);
    assert_int_equal(server_set_end_configuration(pair->server), 0);
}

void pair_get_configuration(struct pair *pair)
{
    struct VDConfig config;
    assert_int_equal(client_set_get_configuration(pair->client, 10000, &config), 0);
    assert_int_equal(config.features, VDF_WriteMedia);
    assert_int_equal(config.maxTransferSize, PAIR_TRANSFER);
}

void pair_activate(struct pair *pair)
{
    char name[80];
    for (uint32_t i = 0; i < pair->device_count; i++) {
        assert_int_equal(
            client_set_open_device(pair->client, pair_device_name(pair, i, name), &pair->devices[i]), 0);
        assert_int_equal(server_set_open_device(pair->server, &pair->server_devices[i]), 0);
    }
}

void pair_start(struct pair *pair, uint32_t device_count)
{
    pair_create(pair, device_count);
    pair_open(pair);
    pair_configure(pair, 4 * device_count);
    pair_get_configuration(pair);
    pair_activate(pair);
}

void pair_close_devices(struct pair *pair)
{
    struct VDC_Command *command;
    for (uint32_t i = 0; i < pair->device_count; i++) {
        assert_int_equal(server_device_close(pair->server_devices[i]), 0);
    }
    for (uint32_t i = 0; i < pair->device_count; i++) {
        assert_int_equal(client_device_get_command(pair->devices[i], 0, &command), VD_E_CLOSE);
    }
}

void pair_free(struct pair *pair)
{
    server_set_free(pair->server);
    client_set_free(pair->client);
    memset(pair, 0, sizeof *pair);
}

uint32_t pair_objects_left(void)
{
    char prefix[64];
    uint32_t count = 0;
    snprintf(prefix, sizeof prefix, "vdifault-%s-", getenv("VDI_NAMESPACE"));
    DIR *folder = opendir("/dev/shm");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    closedir(folder);
    return count;
}
