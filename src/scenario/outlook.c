/* outlook.c - what each verb needs, gives and takes; see outlook.h. */
#include "outlook.h"

#include <string.h>

#include "vdi.h"

/* Which device a line is about. */
enum about {
    ABOUT_NONE,
    ABOUT_GIVEN, /* its first argument */
    ABOUT_NEXT,  /* the first that the server has not opened: OpenDevice goes by order */
    ABOUT_ALL,   /* what it takes, it takes of each */
};

/* What a line does beyond facts. */
enum effect {
    EFFECT_NONE,
    EFFECT_ALLOCATES,
    EFFECT_MAKES_HANDLE,
    EFFECT_SENDS,
    EFFECT_FETCHES,
    EFFECT_COMPLETES,
};

struct sense {
    uint8_t weight; /* what leads on is heavy, what ends everything is light */
    enum about about;
    enum effect effect;
    uint16_t needs, lacks, gives, takes;                            /* of the set */
    uint8_t device_needs, device_lacks, device_gives, device_takes; /* of the device */
    uint8_t all_need;                                               /* of every device */
    int64_t usual[SCENARIO_ARGS];
};

/* Sizes that fit together: several transfers to a buffer area, several buffers to a device. */
enum {
    USUAL_BLOCK = 512,
    USUAL_SIZE = 1024,
    USUAL_COUNT = 4,
    USUAL_TRANSFER = 65536,
    USUAL_MS = 60000
};

/* What each side's Close and destructor take. */
#define CLIENT_FACTS (OUTLOOK_EXISTS | OUTLOOK_CONFIGURED | OUTLOOK_SHARED | OUTLOOK_HANDLE)
#define SERVER_FACTS \
    (OUTLOOK_SERVED | OUTLOOK_BEGUN | OUTLOOK_REQUESTED | OUTLOOK_ENDED | OUTLOOK_BUFFER | OUTLOOK_ANSWERED)
#define CLIENT_DEVICE_FACTS (OUTLOOK_CLIENT_OPEN | OUTLOOK_HELD | OUTLOOK_DELIVERED)
#define SERVER_DEVICE_FACTS (OUTLOOK_NAMED | OUTLOOK_SERVER_OPEN | OUTLOOK_SENT | OUTLOOK_CLOSED)

static const struct sense senses[SCENARIO_VERB_COUNT] = {
    [SCENARIO_CLIENT_CREATE] = {30, .lacks = OUTLOOK_EXISTS, .gives = OUTLOOK_EXISTS,
                                .takes = OUTLOOK_ABORTED},
    [SCENARIO_CLIENT_OPEN_IN_SECONDARY] = {2, .needs = OUTLOOK_CONFIGURED, .lacks = OUTLOOK_SHARED,
                                           .gives = OUTLOOK_SHARED},
    [SCENARIO_CLIENT_GET_CONFIGURATION] = {20, .needs = OUTLOOK_ENDED | OUTLOOK_EXISTS,
                                           .lacks = OUTLOOK_CONFIGURED, .gives = OUTLOOK_CONFIGURED,
                                           .usual[3] = USUAL_MS},
    [SCENARIO_CLIENT_OPEN_DEVICE] = {20, ABOUT_GIVEN, .needs = OUTLOOK_CONFIGURED,
                                     .device_lacks = OUTLOOK_CLIENT_OPEN,
                                     .device_gives = OUTLOOK_CLIENT_OPEN},
    [SCENARIO_CLIENT_GET_COMMAND] = {20, ABOUT_GIVEN, EFFECT_FETCHES,
                                     .device_needs = OUTLOOK_CLIENT_OPEN | OUTLOOK_COMES,
                                     .usual[3] = USUAL_MS},
    [SCENARIO_CLIENT_COMPLETE_COMMAND] = {20, ABOUT_GIVEN, EFFECT_COMPLETES, .gives = OUTLOOK_ANSWERED,
                                          .device_needs = OUTLOOK_CLIENT_OPEN | OUTLOOK_HELD,
                                          .usual[3] = USUAL_SIZE},
    [SCENARIO_CLIENT_GET_BUFFER_HANDLE] = {2, ABOUT_GIVEN, EFFECT_MAKES_HANDLE, .gives = OUTLOOK_HANDLE,
                                           .device_needs = OUTLOOK_HELD},
    [SCENARIO_CLIENT_MAP_BUFFER_HANDLE] = {2, .needs = OUTLOOK_HANDLE},
    [SCENARIO_CLIENT_REGISTER_DEVICE_CLOSED] = {1, .needs = OUTLOOK_EXISTS},
    [SCENARIO_CLIENT_SIGNAL_ABORT] = {1, .needs = OUTLOOK_EXISTS, .lacks = OUTLOOK_ABORTED,
                                      .gives = OUTLOOK_ABORTED},
    [SCENARIO_CLIENT_CLOSE] = {2, ABOUT_ALL, .needs = OUTLOOK_EXISTS, .takes = CLIENT_FACTS,
                               .device_takes = CLIENT_DEVICE_FACTS},
    [SCENARIO_CLIENT_DESTROY] = {1, ABOUT_ALL, .takes = CLIENT_FACTS, .device_takes = CLIENT_DEVICE_FACTS},

    [SCENARIO_SERVER_OPEN] = {30, .needs = OUTLOOK_EXISTS, .lacks = OUTLOOK_SERVED, .gives = OUTLOOK_SERVED},
    [SCENARIO_SERVER_GET_CONFIGURATION] = {1, .needs = OUTLOOK_SERVED},
    [SCENARIO_SERVER_BEGIN_CONFIGURATION] = {30, .needs = OUTLOOK_SERVED, .lacks = OUTLOOK_BEGUN,
                                             .gives = OUTLOOK_BEGUN,
                                             .usual = {VDF_WriteMedia, USUAL_BLOCK, 0, USUAL_TRANSFER}},
    [SCENARIO_SERVER_NAME_DEVICE] = {30, ABOUT_GIVEN, .needs = OUTLOOK_SERVED, .lacks = OUTLOOK_ENDED,
                                     .device_lacks = OUTLOOK_NAMED, .device_gives = OUTLOOK_NAMED},
    [SCENARIO_SERVER_REQUEST_BUFFERS] = {6, .needs = OUTLOOK_BEGUN, .gives = OUTLOOK_REQUESTED,
                                         .usual = {USUAL_SIZE, 0, USUAL_COUNT}},
    [SCENARIO_SERVER_QUERY_AVAILABLE_BUFFERS] = {1, .needs = OUTLOOK_BEGUN, .usual = {USUAL_SIZE}},
    [SCENARIO_SERVER_END_CONFIGURATION] = {30, .needs = OUTLOOK_BEGUN | OUTLOOK_REQUESTED,
                                           .lacks = OUTLOOK_ENDED, .gives = OUTLOOK_ENDED,
                                           .all_need = OUTLOOK_NAMED},
    [SCENARIO_SERVER_OPEN_DEVICE] = {20, ABOUT_NEXT, .needs = OUTLOOK_ENDED,
                                     .device_lacks = OUTLOOK_SERVER_OPEN,
                                     .device_gives = OUTLOOK_SERVER_OPEN},
    [SCENARIO_SERVER_ALLOCATE_BUFFER] = {6, .effect = EFFECT_ALLOCATES,
                                         .needs = OUTLOOK_ENDED | OUTLOOK_REQUESTED, .gives = OUTLOOK_BUFFER,
                                         .usual = {USUAL_SIZE}},
    [SCENARIO_SERVER_FREE_BUFFER] = {1, .needs = OUTLOOK_BUFFER},
    [SCENARIO_SERVER_IS_SHARED_BUFFER] = {1, .needs = OUTLOOK_SERVED},
    [SCENARIO_SERVER_SEND_COMMAND] = {20, ABOUT_GIVEN, EFFECT_SENDS, .device_needs = OUTLOOK_SERVER_OPEN,
                                      .device_lacks = OUTLOOK_CLOSED, .usual[3] = USUAL_SIZE},
    [SCENARIO_SERVER_EXECUTE_COMPLETION_AGENT] = {1, .needs = OUTLOOK_ENDED, .takes = OUTLOOK_ANSWERED},
    [SCENARIO_SERVER_RUN_COMPLETIONS] = {10, .needs = OUTLOOK_ANSWERED, .takes = OUTLOOK_ANSWERED},
    [SCENARIO_SERVER_WAIT] = {1, .needs = OUTLOOK_SERVED, .usual[3] = USUAL_MS},
    [SCENARIO_SERVER_CLOSE_DEVICE] = {6, ABOUT_GIVEN, .device_needs = OUTLOOK_SERVER_OPEN,
                                      .device_lacks = OUTLOOK_CLOSED, .device_gives = OUTLOOK_CLOSED},
    [SCENARIO_SERVER_SIGNAL_ABORT] = {1, .needs = OUTLOOK_SERVED, .lacks = OUTLOOK_ABORTED,
                                      .gives = OUTLOOK_ABORTED},
    [SCENARIO_SERVER_CLOSE] = {2, ABOUT_ALL, .needs = OUTLOOK_SERVED, .takes = SERVER_FACTS,
                               .device_takes = SERVER_DEVICE_FACTS},
    [SCENARIO_SERVER_DESTROY] = {1, ABOUT_ALL, .takes = SERVER_FACTS, .device_takes = SERVER_DEVICE_FACTS},

    [SCENARIO_WORLD_KILL] = {2, .needs = OUTLOOK_EXISTS},
    [SCENARIO_WORLD_STOP] = {1, .needs = OUTLOOK_EXISTS, .gives = OUTLOOK_STOPPED},
    [SCENARIO_WORLD_CONTINUE] = {10, .needs = OUTLOOK_STOPPED, .takes = OUTLOOK_STOPPED},
    [SCENARIO_WORLD_ADVANCE] = {1, .usual = {1000}},
    [SCENARIO_WORLD_SWITCH] = {1, .needs = OUTLOOK_EXISTS, .usual = {0, 1}},
    /* After these less can be said of what is right: rare. */
    [SCENARIO_WORLD_SET] = {1, .needs = OUTLOOK_EXISTS},
    [SCENARIO_WORLD_ADD] = {1, .needs = OUTLOOK_EXISTS, .usual[3] = 1},
    [SCENARIO_WORLD_FLIP] = {1, .needs = OUTLOOK_EXISTS, .usual[3] = 1},
    [SCENARIO_WORLD_STORM] = {1, .needs = OUTLOOK_EXISTS, .usual = {16, 16}},
    [SCENARIO_WORLD_FAIL_MEMORY] = {.weight = 1},
};

/* What of a device follows from its counts. */
static uint32_t device_facts(const struct outlook *outlook, uint32_t device)
{
    uint32_t facts = outlook->devices[device] & ~(uint32_t)(OUTLOOK_SENT | OUTLOOK_HELD | OUTLOOK_COMES);
    facts |= outlook->sent[device] != 0 ? OUTLOOK_SENT | OUTLOOK_COMES : 0;
    facts |= outlook->held[device] != 0 ? OUTLOOK_HELD : 0;
    facts |= (facts & (OUTLOOK_CLOSED | OUTLOOK_DELIVERED)) == OUTLOOK_CLOSED ? OUTLOOK_COMES : 0;
    return facts;
}

static uint32_t next_of_server(const struct outlook *outlook)
{
    uint32_t device = 0;
    while (device < outlook->device_count && (outlook->devices[device] & OUTLOOK_SERVER_OPEN) != 0) {
        device++;
    }
    return device;
}

static void take_from_all(struct outlook *outlook, uint32_t facts)
{
    for (uint32_t i = 0; i < outlook->device_count; i++) {
        outlook->devices[i] &= ~facts;
        outlook->sent[i] = (facts & OUTLOOK_SENT) != 0 ? 0 : outlook->sent[i];
        outlook->held[i] = (facts & OUTLOOK_HELD) != 0 ? 0 : outlook->held[i];
    }
}

static void fetch(struct outlook *outlook, uint32_t device)
{
    if (outlook->sent[device] != 0) {
        outlook->sent[device]--;
        outlook->held[device]++;
    } else if ((outlook->devices[device] & OUTLOOK_CLOSED) != 0) {
        outlook->devices[device] |= OUTLOOK_DELIVERED;
    }
}

void outlook_pass(struct outlook *outlook, const struct scenario_line *line)
{
    const struct sense *sense = &senses[line->verb];
    uint32_t device = sense->about == ABOUT_GIVEN  ? (uint32_t)line->arg[0]
                      : sense->about == ABOUT_NEXT ? next_of_server(outlook)
                                                   : 0;
    if ((line->flags & SCENARIO_ENDS) != 0 ||
        (sense->about != ABOUT_NONE && device >= outlook->device_count)) {
        return; /* it was passed where it began; or it speaks of nothing */
    }
    outlook->facts = (outlook->facts & ~(uint32_t)sense->takes) | sense->gives;
    if (sense->about == ABOUT_ALL) {
        take_from_all(outlook, sense->device_takes);
    } else {
        outlook->devices[device] |= sense->device_gives;
    }
    if (line->verb == SCENARIO_CLIENT_OPEN_DEVICE) {
        outlook->openers[device] = (uint8_t)scenario_actor_process(line->who);
    }
    switch (sense->effect) {
    case EFFECT_NONE:
        break;
    case EFFECT_ALLOCATES:
        outlook->buffers += outlook->buffers < SCENARIO_BUFFERS_MAX;
        break;
    case EFFECT_MAKES_HANDLE:
        outlook->handles += outlook->handles < SCENARIO_HANDLES_MAX;
        break;
    case EFFECT_SENDS:
        outlook->sent[device] += outlook->sent[device] < SCENARIO_HELD_MAX;
        break;
    case EFFECT_FETCHES:
        fetch(outlook, device);
        break;
    case EFFECT_COMPLETES:
        outlook->held[device] -= outlook->held[device] != 0;
        break;
    }
}

void outlook_of(const struct scenario *scenario, uint32_t lines, struct outlook *outlook)
{
    uint32_t count =
        scenario->device_count < SCENARIO_DEVICES_MAX ? scenario->device_count : SCENARIO_DEVICES_MAX;
    *outlook = (struct outlook){.device_count = count != 0 ? count : 1};
    for (uint32_t i = 0; i < lines; i++) {
        outlook_pass(outlook, &scenario->lines[i]);
    }
}

uint32_t outlook_weight(const struct outlook *outlook, enum scenario_verb verb, uint32_t device)
{
    const struct sense *sense = &senses[verb];
    uint32_t about = sense->about == ABOUT_NEXT ? next_of_server(outlook) : device;
    if ((sense->about != ABOUT_GIVEN && device != 0) || about >= outlook->device_count ||
        (outlook->facts & sense->needs) != sense->needs || (outlook->facts & sense->lacks) != 0) {
        return 0;
    }
    uint32_t facts = device_facts(outlook, about);
    bool fits = (facts & sense->device_needs) == sense->device_needs && (facts & sense->device_lacks) == 0;
    for (uint32_t i = 0; i < outlook->device_count; i++) {
        fits = fits && (outlook->devices[i] & sense->all_need) == sense->all_need;
    }
    return fits ? sense->weight : 0;
}

bool outlook_agrees(const struct outlook *outlook, const struct scenario_line *line)
{
    uint32_t device = senses[line->verb].about == ABOUT_GIVEN ? (uint32_t)line->arg[0] : 0;
    return line->flags == SCENARIO_ENDS ||
           outlook_weight(outlook, (enum scenario_verb)line->verb, device) != 0;
}

int64_t outlook_usual(enum scenario_verb verb, uint32_t place)
{
    return senses[verb].usual[place];
}
