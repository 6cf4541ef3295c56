/* client_media.h - what the clients on media (media.h) share: their options, and a medium for each device.
 *
 * Ownership: client_media belongs to the client; its media are opened and closed by client_media_transfer. Errors
 * and threads as in client_session.h: a medium belongs to its device's thread while that is served.
 */
#ifndef CLIENT_MEDIA_OF_SESSION_H
#define CLIENT_MEDIA_OF_SESSION_H

#include "client_session.h"
#include "media.h"

/* Options of these clients: --removable, --volume-size BYTES, --volumes N, --eom-warning BYTES. */
struct media_options {
    bool removable;
    int64_t capacity;
    int64_t warning;
    int64_t last;
};
/* Takes them out of the arguments. 0, or CLIENT_USAGE with the reason printed. */
int media_take_options(int *argc, char **argv, struct media_options *options);

/* The media of a session, which are its `own`. */
struct client_media {
    struct media_options options;
    const char *suffix;
    struct volume *(*volume_of)(struct client_media *media, int index);
    int (*open)(struct client_media *media, int index);
    int (*close)(struct client_media *media, int index);
    union {
        struct disk disks[CLIENT_DEVICES_MAX];
        struct tape tapes[CLIENT_DEVICES_MAX];
    };
};

/* session_transfer with the media around it: they are opened when the block size is known. */
bool client_media_transfer(struct session *session);

#endif
