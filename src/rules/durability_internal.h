/* durability_internal.h - what the files behind durability.h share. Not for others. */
#ifndef VDIFAULT_RULES_DURABILITY_INTERNAL_H
#define VDIFAULT_RULES_DURABILITY_INTERNAL_H

#include "durability.h"
#include "files.h"

enum {
    WHY_MAX = 320,
};

enum verdict {
    VERDICT_UNKNOWN, /* not observable */
    VERDICT_CLEAN,
    VERDICT_DIRTY
};

/* One Flush or VDC_Complete that was completed with SUCCESS. */
struct acknowledgement {
    struct acknowledgement *next; /* of the same device, newest first */
    struct call call;
    int32_t code;
    uint64_t nth; /* of its code on the device */
    enum verdict verdict;
    bool covers_all;        /* every device, by volume */
    bool nothing_judged;    /* then no file had enough for a verdict */
    char why[WHY_MAX];      /* dirty: what, and how it is known */
    char unnamed[WHY_MAX];  /* clean, but a name is not durable: which; "" none */
    char leftover[WHY_MAX]; /* stale bytes behind the end: which; "" none */
    const struct stored_file *changed_file;
    char changed[WHY_MAX]; /* the content changed afterwards: how; "" it did not */
};

struct transfer_device {
    uint64_t handed_out; /* bytes of Writes */
    int64_t end;         /* behind the last byte of any, by their positions */
    uint64_t last_fetch; /* when the newest Write came: its GetCommand may have waited since long before */
    uint64_t counts[2];  /* acknowledged: Flush, Complete */
    struct acknowledgement *acks;
};

struct transfer {
    struct transfer *next;
    int32_t operation;
    uint32_t features;
    bool over;  /* its set is closed */
    bool proof; /* --verify ran on the files as they were on disk */
    struct transfer_device devices[DEVICES_MAX];
};

struct durability {
    struct files files;
    struct transfer *transfers; /* newest first */
    uint32_t transfer_count;
    bool blind; /* a witness says that it may have missed something */
};

/* ---- durability.c ---- */
struct transfer *durability_transfer(const struct durability *durability, int32_t operation); /* or NULL */

/* ---- durability_judge.c ---- */
/* Fills in the verdict and what belongs to it; `device` has been handed out something. */
void durability_judge(const struct durability *durability, const struct transfer *transfer,
                      struct acknowledgement *ack);
/* At the end: gives what was not observable then the verdict that later events tell. */
void durability_judge_late(const struct durability *durability, const struct transfer *transfer,
                           struct acknowledgement *ack);

#endif
