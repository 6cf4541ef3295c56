/* fake_server.h - server.h over a client that is a script, in one process. For tests of the engine.
 *
 * One set at a time: the variable `fake`. The client takes every command in order as soon as the engine looks
 * for completions, does it (Writes go to streams, Reads come from them) and answers as the script says. The
 * fake checks what every engine must keep: sizes, buffers untouched while the client has them, order of the
 * end.
 */
#ifndef TEST_FAKE_SERVER_H
#define TEST_FAKE_SERVER_H

#include "fake_media.h"
#include "server.h"

enum {
    FAKE_DEVICES_MAX = 64,
    FAKE_CODES = 128
};

enum fake_action {
    FAKE_COMPLETE,
    FAKE_HOLD,  /* keep it until fake.release */
    FAKE_ABORT, /* the client calls SignalAbort instead */
    FAKE_DIE,   /* the client's process ends instead */
    FAKE_CLOSE, /* the client calls Close instead */
};

struct fake_answer {
    enum fake_action action;
    int32_t code;
    int32_t bytes;
    int64_t position;
};

/* `answer` is what a correct client would say; nth: of this command code on this device, from 1. */
typedef void fake_script(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                         struct fake_answer *answer);

/* The engine sends a command on a device, or closes it: NULL. */
typedef void fake_watch(uint32_t device, const struct VDS_Command *command);

struct fake_command {
    struct VDS_Command *command;
    struct fake_answer answer;
    uint32_t nth;
    bool taken;
    uint64_t hash;
};

struct server_device {
    bool open;
    bool closed;
    bool io_error;
    uint32_t outstanding;
    uint32_t outstanding_most;
    struct fake_command commands[SERVER_COMMANDS_PER_DEVICE];
    uint32_t sent[FAKE_CODES]; /* per command code */
    uint32_t sizes_seen;       /* bit 0: a full transfer, bit 1: a smaller one */
    char name[64];
    struct fake_stream stream;
};

struct fake_server {
    /* the script */
    bool exists;
    void (*comes)(void);  /* after the first look that finds nothing; from then on the set exists */
    void (*opened)(void); /* once the engine has opened the set */
    struct VDConfig config;
    fake_script *script;
    fake_watch *watch;
    bool backwards;          /* complete the newest command first */
    bool one_by_one;         /* one answer a look and device, instead of all that there are */
    bool release;            /* held commands are completed */
    uint32_t memory_buffers; /* EndConfiguration fails with VD_E_MEMORY above this; 0 = never */
    uint32_t opens;          /* devices the client opens; all by default */
    uint32_t volume_size;    /* bytes a removable device's volume takes; 0 = any number */
    uint32_t warning_zone;   /* of them, those behind the end-of-media warning */
    bool die_before_open;
    bool close_before_open;

    /* what the engine did */
    bool open;
    uint32_t requested;
    uint32_t late; /* of them, those after EndConfiguration */
    uint32_t allocated;
    uint32_t features, block_size, alignment, max_transfer;
    uint8_t *area;
    uint32_t devices_opened;
    uint32_t closed_devices;
    uint32_t buffers_used; /* how many different ones on device 0 */
    uint64_t buffers_seen;
    enum server_abort_reason reason;
    bool client_closed;
    struct server_device devices[FAKE_DEVICES_MAX];
};

extern struct fake_server fake;

/* A new client with so many devices; `streams`: keep those of the set before, as a restore wants them. */
void fake_reset(uint32_t devices, bool streams);
void fake_clear(void); /* frees everything */

#endif
