/* client_media.c - see client_media.h. */
#include "client_media.h"

enum {
    /* What a server may have under way when it is warned, at the usual transfer size, and the end of its
     * stream. */
    DEFAULT_WARNING = 1 << 20,
    VOLUMES_MAX = 1000
};

static int64_t default_warning(int64_t capacity)
{
    return capacity && capacity / 2 < DEFAULT_WARNING ? capacity / 2 : DEFAULT_WARNING;
}

int media_take_options(int *argc, char **argv, struct media_options *options)
{
    const char *capacity = client_take_option(argc, argv, "--volume-size");
    const char *warning = client_take_option(argc, argv, "--eom-warning");
    const char *last = client_take_option(argc, argv, "--volumes");
    const char *wrong = NULL;

    options->removable = client_take_flag(argc, argv, "--removable");
    if (!client_number(capacity, 1, INT64_MAX, 0, &options->capacity)) {
        wrong = "--volume-size must be a number of bytes above 0";
    } else if (!client_number(
                   warning, 0,
                   options->capacity && options->capacity <= UINT32_MAX ? options->capacity - 1 : UINT32_MAX,
                   default_warning(options->capacity), &options->warning)) {
        wrong = "--eom-warning must be a number of bytes below --volume-size";
    } else if (!client_number(last, 1, VOLUMES_MAX, 0, &options->last)) {
        wrong = "--volumes must be 1 to 1000";
    }
    if (wrong) {
        fprintf(stderr, "%s: %s\n", argv[0], wrong);
    }
    return wrong ? CLIENT_USAGE : 0;
}

static bool open_media(struct session *session)
{
    struct client_media *media = session->own;

    for (int i = 0; i < session->count; i++) {
        struct volume *volume = media->volume_of(media, i);
        int code;

        store_path(session->operation, i, media->suffix, volume->stem);
        volume->writing = operation_is_backup(session->operation);
        volume->removable = session->kind.features & VDF_Removable;
        volume->unit = session->config.blockSize;
        volume->capacity = (uint64_t)media->options.capacity;
        volume->warning = (uint64_t)media->options.warning;
        volume->last = (int)media->options.last;
        code = media->open(media, i);
        if (code != ERROR_SUCCESS) {
            operation_fail(session->operation, "cannot open %s.1: Win32 error %d", volume->stem, code);
            vdi_set_signal_abort(&session->set);
            return false;
        }
    }
    return true;
}

bool client_media_transfer(struct session *session)
{
    struct client_media *media = session->own;
    bool served = session_configure(session) && open_media(session) && session_open_devices(session);

    if (served) {
        session_serve_devices(session);
    }
    for (int i = 0; i < session->count; i++) {
        int code = media->close(media, i);

        if (code != ERROR_SUCCESS) {
            operation_fail(session->operation, "cannot close the medium of device %d: Win32 error %d", i,
                           code);
        }
    }
    return served;
}
