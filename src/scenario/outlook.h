/* outlook.h - which lines make sense where: what a scenario's first lines leave behind if every call succeeds.
 *
 * A call needs what others give: GetCommand a device that is open and a command that was sent, CompleteCommand one in
 * hand. The mutator asks here what could come next. It is a guess, not a judgement: nothing is wrong with a line that
 * needs what is not there, and what a call really does is the model's to know (src/model).
 *
 * Plain data, no allocation, pure; any thread.
 */
#ifndef VDIFAULT_OUTLOOK_H
#define VDIFAULT_OUTLOOK_H

#include "scenario.h"

/* Of the set; bits. */
enum outlook_fact {
    OUTLOOK_EXISTS = 1,      /* a client has created it */
    OUTLOOK_SERVED = 2,      /* the server has opened it */
    OUTLOOK_BEGUN = 4,       /* BeginConfiguration */
    OUTLOOK_REQUESTED = 8,   /* RequestBuffers */
    OUTLOOK_ENDED = 16,      /* EndConfiguration */
    OUTLOOK_CONFIGURED = 32, /* the client's GetConfiguration */
    OUTLOOK_BUFFER = 64,     /* AllocateBuffer */
    OUTLOOK_HANDLE = 128,    /* GetBufferHandle */
    OUTLOOK_SHARED = 256,    /* OpenInSecondary */
    OUTLOOK_ANSWERED = 512,  /* a command is completed and not called back for */
    OUTLOOK_ABORTED = 1024,
    OUTLOOK_STOPPED = 2048, /* a process stands still */
};

/* Of one device; bits. */
enum outlook_device_fact {
    OUTLOOK_NAMED = 1,
    OUTLOOK_CLIENT_OPEN = 2,
    OUTLOOK_SERVER_OPEN = 4,
    OUTLOOK_SENT = 8,       /* a command waits to be fetched */
    OUTLOOK_HELD = 16,      /* one is in hand */
    OUTLOOK_CLOSED = 32,    /* by the server */
    OUTLOOK_DELIVERED = 64, /* VD_E_CLOSE */
    OUTLOOK_COMES = 128,    /* a command, or VD_E_CLOSE for the first time */
};

struct outlook {
    uint32_t device_count; /* that lines can speak of */
    uint32_t facts;
    uint32_t devices[SCENARIO_DEVICES_MAX];
    uint32_t sent[SCENARIO_DEVICES_MAX], held[SCENARIO_DEVICES_MAX];
    uint32_t buffers, handles;
    uint8_t openers[SCENARIO_DEVICES_MAX]; /* enum scenario_process: whose OpenDevice it was */
};

/* What stands behind the first `lines` lines. */
void outlook_of(const struct scenario *scenario, uint32_t lines, struct outlook *outlook);
void outlook_pass(struct outlook *outlook, const struct scenario_line *line);

/* How much sense the verb makes for this device now: 0 none, or its weight among all. A verb that speaks of no device
 * makes it for device 0 alone. */
uint32_t outlook_weight(const struct outlook *outlook, enum scenario_verb verb, uint32_t device);

/* Whether the line makes any sense now, by its verb and device; where a call's return is waited for, always. */
bool outlook_agrees(const struct outlook *outlook, const struct scenario_line *line);

/* The usual value of an argument that depends on nothing. */
int64_t outlook_usual(enum scenario_verb verb, uint32_t place);

#endif
