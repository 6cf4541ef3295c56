/* disk.c - a correct client with random access: VDF_LikeDisk, with --removable on changeable media.
 *
 * Write and Read act at the command's position, SetPosition and GetPosition count bytes, Flush ends the file behind
 * the last byte written (VDI-IO-007, VDI-FLUSH-002). The streams go to DIR/<set>.<i>.disk.<volume>.
 */
#include "client_media.h"

static struct disk *disk_of(const struct session_device *device)
{
    return &((struct client_media *)device->session->own)->disks[device->index];
}

static int write_at(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    return disk_write(disk_of(device), command->position, command->buffer, (size_t)command->size,
                      &answer->done);
}

static int read_at(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    return disk_read(disk_of(device), command->position, command->buffer, (size_t)command->size,
                     &answer->done);
}

static int get_position(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    (void)command;
    answer->position = disk_of(device)->position;
    return ERROR_SUCCESS;
}

static int set_position(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    int code = disk_set_position(disk_of(device), command->size, command->position);

    answer->position = disk_of(device)->position;
    return code;
}

static int flush(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)command;
    (void)answer;
    return disk_flush(disk_of(device));
}

static int load(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)answer;
    return command->size ? ERROR_NOT_SUPPORTED : disk_load(disk_of(device));
}

static struct volume *volume_of(struct client_media *media, int index)
{
    return &media->disks[index].volume;
}

static int open_disk(struct client_media *media, int index)
{
    return disk_open(&media->disks[index]);
}

static int close_disk(struct client_media *media, int index)
{
    return disk_close(&media->disks[index]);
}

static struct media_options chosen;

static void work(struct operation *operation)
{
    static struct client_media disks;
    const struct session_kind disk = {
        .features = VDF_LikeDisk | (chosen.removable ? VDF_Removable : 0),
        .actions = {[VDC_Write] = write_at,
                    [VDC_Read] = read_at,
                    [VDC_GetPosition] = get_position,
                    [VDC_SetPosition] = set_position,
                    [VDC_Flush] = flush,
                    [VDC_Load] = load},
        .transfer = client_media_transfer,
    };
    struct session session;

    disks = (struct client_media){
        .options = chosen, .suffix = ".disk", .volume_of = volume_of, .open = open_disk, .close = close_disk};
    session_init(&session, operation, &disk, &disks);
    session.config.EOMWarningSize = chosen.removable ? (uint32_t)chosen.warning : 0;
    session_run(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = media_take_options(&argc, argv, &chosen);

    if (!status) {
        status = client_parse(argc, argv, &options);
    }
    return status ? status : client_run(&options, work);
}
