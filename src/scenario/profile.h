/* profile.h - what a real server was seen to do: the lines of a plan that make the simulated one do the same.
 *
 * `vdifault record` makes them of a trace. KIND is backup or restore:
 *   server profile KIND device N STEP...   what device N gets, in this order; further such lines go on with it:
 *                                            SIZE or SIZE*COUNT  Writes or Reads of so many bytes
 *                                            mix*COUNT           so many of the sizes of the mix
 *                                            flush               a Flush between them
 *                                            pause:MS            nothing for so long, when all is completed
 *   server profile KIND mix SIZE:WEIGHT... sizes, and how often each came
 *   server profile KIND outstanding N...   of each device: commands at once; "N+": at least so many
 *   server profile KIND sizes BLOCK TRANSFER  BLOCKSIZE and MAXTRANSFERSIZE of a statement that does not say
 *   server profile KIND buffers N          different buffers that were used
 *   server profile KIND order N...         devices by their first command
 *   server profile KIND close MS...        of each device: from its last completion to VD_E_CLOSE
 *   server recorded POINT[:READING]...     open points of the documents that a recording has shown (enum below); those
 *                                            of a dialect with the reading, as VDI_DIALECT takes it
 *
 * Sizes become multiples of the statement's BLOCKSIZE, up to its MAXTRANSFERSIZE. Where an operation has more devices
 * than the profile, they are gone through again.
 *
 * Responsible for: these lines as data, parsed and printed. Not responsible for following them (sqlserver/engine), or
 * for making them (cli/profile_make.h). Plain data, no allocation, libc only; any thread.
 */
#ifndef VDIFAULT_PROFILE_H
#define VDIFAULT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fault_error;
struct text_out;

enum {
    PROFILE_STEPS_MAX = 512, /* of all devices and kinds */
    PROFILE_MIX_MAX = 16,
    PROFILE_DEVICES_MAX = 64,
    PROFILE_SIZE_MAX = 4 << 20, /* MAXTRANSFERSIZE's own limit (spec 7) */
    PROFILE_OUTSTANDING_MAX = 12,
    PROFILE_BUFFERS_MAX = PROFILE_DEVICES_MAX * (PROFILE_OUTSTANDING_MAX + 1),
    PROFILE_MS_MAX = 600000,
    PROFILE_BLOCK_LEAST = 512, /* spec 7 */
    PROFILE_UNIT = 65536,      /* of MAXTRANSFERSIZE, and the largest BLOCKSIZE */
    PROFILE_TEXT_MAX = 36864,  /* of all lines: each step on one of its own, and the lists */
};

enum profile_kind {
    PROFILE_BACKUP,
    PROFILE_RESTORE,
    PROFILE_KINDS
};

enum profile_what {
    PROFILE_TRANSFERS, /* value: bytes */
    PROFILE_MIX,
    PROFILE_FLUSH,
    PROFILE_PAUSE, /* value: ms */
};

struct profile_step {
    uint8_t kind;
    uint8_t device;
    uint8_t what;
    uint32_t value;
    uint32_t count; /* at least 1; of Flush and pause 1 */
};

struct profile_operation {
    uint8_t outstanding[PROFILE_DEVICES_MAX];
    bool at_least[PROFILE_DEVICES_MAX];
    uint8_t order[PROFILE_DEVICES_MAX];
    uint32_t close_ms[PROFILE_DEVICES_MAX];
    uint32_t outstanding_count, order_count, close_count; /* 0: nothing is known */
    uint32_t block_size, max_transfer;                    /* 0: nothing is said */
    uint32_t buffers;
    uint32_t mix_count;
    uint32_t mix_size[PROFILE_MIX_MAX];
    uint32_t mix_weight[PROFILE_MIX_MAX];
    uint32_t device_count; /* of those with steps, the highest and one */
};

/* In the order of profile_points. The first are those of core/dialect.h. */
enum profile_point {
    PROFILE_OPEN_ACTIVE,
    PROFILE_GET_AFTER_CLOSE,
    PROFILE_CLOSE_OPEN,
    PROFILE_TIMEOUT_UNIT,
    PROFILE_GETCFG_ABORTED,
    PROFILE_SEVERAL_COMMANDS, /* spec 16, question 13 */
    PROFILE_COMPLETE_SENT,    /* question 15 */
    PROFILE_SHORT_READ,       /* question 17: a Read completed short, with SUCCESS, and the set went on */
    PROFILE_POINTS
};

struct profile {
    struct profile_operation operations[PROFILE_KINDS];
    uint32_t step_count;
    struct profile_step steps[PROFILE_STEPS_MAX];
    uint32_t recorded; /* a bit each enum profile_point */
    uint32_t other;    /* of them, those that are read the other way than by default */
};

struct profile_point_info {
    const char *name;
    const char *usual, *other; /* readings; NULL: it has none to choose from */
};
extern const struct profile_point_info profile_points[PROFILE_POINTS];

/* What follows `server profile` and `server recorded`. 0, or EINVAL with *error (offset within `rest`). */
int profile_parse(const char *rest, struct profile *profile, struct fault_error *error);
int profile_parse_recorded(const char *rest, struct profile *profile, struct fault_error *error);
/* Lines of a plan that parse to the same profile. */
void profile_format(const struct profile *profile, struct text_out *out);

/* Adds a step, or to the one before it if that is alike. False: there is no room. */
bool profile_add(struct profile *profile, const struct profile_step *step);

/* ---- walking through the steps of one device ---- */

struct profile_walk {
    uint32_t step; /* index of the current one */
    uint32_t used; /* of its count */
};

/* Whose steps a device goes through. */
uint32_t profile_device(const struct profile *profile, enum profile_kind kind, uint32_t device);
/* The step that comes next; NULL: that was all. */
const struct profile_step *profile_next(const struct profile *profile, enum profile_kind kind,
                                        uint32_t device, struct profile_walk *walk);
/* One of its count is done. */
void profile_advance(const struct profile *profile, struct profile_walk *walk);
/* How many transfers the device's steps have. */
uint64_t profile_transfers(const struct profile *profile, enum profile_kind kind, uint32_t device);
/* A size of the mix, by any number; 0: there is none. */
uint32_t profile_draw(const struct profile *profile, enum profile_kind kind, uint64_t draw);

#endif
