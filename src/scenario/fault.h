/* fault.h - the fault catalogue and the one parser of fault specifications.
 *
 *   fault  = kind [ "(" arg {"," arg} ")" ] [ "@" site ]
 *   site   = name [ "#" nth ] [ ":" device ] [ "/" op ]
 *   nth    = n | n "+" | "last" | "next" | "next+" | "*"         device = index | "*"       op = index
 *
 * Responsible for: which kinds exist, where each may be placed, its arguments and their defaults, text to
 * struct and back. Not responsible for making faults happen (inject/, sqlserver/). libc only, no allocation,
 * no I/O: the same code runs inside the client.
 */
#ifndef VDIFAULT_FAULT_H
#define VDIFAULT_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FAULT_EARLY_CLOSE and so on: one row of faults.def each. */
enum fault_kind {
#define FAULT(id, ...) FAULT_##id,
#include "faults.def"
#undef FAULT
    FAULT_KIND_COUNT
};
enum fault_class { /* design 4.4 */
    FAULT_CLASS_SPEC,
    FAULT_CLASS_FIELD,
    FAULT_CLASS_HOSTILE
};
/* Whose code makes it happen. */
enum fault_place {
    FAULT_IN_CALLS,  /* libvdifault.so */
    FAULT_IN_FILES,  /* libvdifault-sys.so: the client's own system calls */
    FAULT_IN_SERVER, /* the simulated server */
};

/* What a fault does that others must know; bits. */
enum fault_effect {
    FAULT_ALTERS_DATA = 1,   /* what one side is given is not what the other gave */
    FAULT_FAILS_COMMAND = 2, /* the device is in IO-ERROR, whatever the client answered (spec 2.2) */
    FAULT_MEETS_CLOSE = 4,   /* it happens to a device's VD_E_CLOSE */
    FAULT_KILLS_PROCESS = 8, /* the one whose call it is at */
    FAULT_NEEDS_GUARD = 16,  /* it works on the copies and aliases that the client gets (design 4.6) */
    FAULT_ABORTS_SET = 32,
    FAULT_STALLS_SERVER = 64, /* from then on the server never acts on the set, whether it lives or not */
};

/* Arguments; a kind takes some of them. */
enum fault_arg {
    FAULT_ARG_BY,   /* enum fault_by */
    FAULT_ARG_AT,   /* enum fault_at */
    FAULT_ARG_CODE, /* of a command, or the index of a result in fault_results */
    FAULT_ARG_MS,
    FAULT_ARG_SEED,
    FAULT_ARG_HOW,    /* what exactly happens; the choices are the row's */
    FAULT_ARG_OF,     /* enum fault_of */
    FAULT_ARG_TO,     /* enum fault_to */
    FAULT_ARG_THEN,   /* enum fault_then */
    FAULT_ARG_NUMBER, /* of a message: index among the row's choices */
    FAULT_ARG_KIB,
    FAULT_ARG_ERRNO, /* a name of errno, see fault_errno */
    FAULT_ARG_BYTES,
    FAULT_ARG_NTH,
    FAULT_ARG_COUNT
};
enum fault_by {
    FAULT_BY_SERVER,
    FAULT_BY_CLIENT
};
enum fault_at {
    FAULT_AT_FETCH,
    FAULT_AT_TOUCH,
    FAULT_AT_COMPLETE
};
enum fault_of {
    FAULT_OF_NOBODY,
    FAULT_OF_MODEL
};
enum fault_to {
    FAULT_TO_BLOCK,
    FAULT_TO_FULL,
    FAULT_TO_UNEVEN
};
enum fault_then {
    FAULT_THEN_CLEAR,
    FAULT_THEN_CLOSE
};
enum fault_value_type {
    FAULT_VALUE_CHOICE = 1, /* one of `values`; its index */
    FAULT_VALUE_NUMBER,     /* min to max */
};

enum {
    FAULT_TEXT_MAX = 128
};
enum {
    FAULT_NTH_LAST = -1,
    FAULT_NTH_NEXT = -2 /* the first one once the fault before it in the plan has fired */
};
enum {
    FAULT_DEVICE_ANY = -1,
    FAULT_DEVICE_EACH = -2
};

struct fault_site {
    uint16_t function; /* enum vdi_function, or 0 */
    uint16_t command;  /* VDC_* code, or 0: exactly one of the two is set */
    int32_t nth;       /* from 1, or FAULT_NTH_LAST or _NEXT */
    bool and_later;    /* "n+": every match from the nth on ("*" is 1+) */
    int32_t device;    /* index, FAULT_DEVICE_ANY (first to reach nth) or FAULT_DEVICE_EACH */
    int32_t operation;
};

struct fault {
    enum fault_kind kind;
    int32_t arg[FAULT_ARG_COUNT]; /* by enum fault_arg; 0 where the kind takes none */
    struct fault_site site;
};

struct fault_arg_info {
    enum fault_value_type type; /* 0: no argument, the row's list ends here */
    enum fault_arg arg;
    const char *name;
    const char *values; /* the choices, "server|client", or what a number means, "CODE" */
    int32_t min, max;   /* of a number */
    int32_t fallback;
};

enum {
    FAULT_ARGS_MAX = 4, /* of one kind */
    FAULT_WHY_MAX = 200
};

/* One row of the catalogue. */
struct fault_info {
    const char *name;
    enum fault_class class;
    enum fault_place place;
    const char *default_site; /* NULL: a site must be given */
    uint32_t functions;       /* legal sites: bit per enum vdi_function */
    uint32_t commands;        /* legal sites: bit per command code */
    bool once;                /* "n+" means nothing: it happens at most once to a device or a set */
    bool works_on_real_server;
    bool everywhere;   /* it is at no site, but at every call of the run */
    uint32_t effects;  /* enum fault_effect */
    uint32_t features; /* VDF_*: the client must have announced one of them; 0: whatever it is */
    uint32_t devices;  /* the set must have so many; 0: any number */
    uint32_t reach;    /* enum event_reach: what must happen at the site for it to fire; 0: nothing more */
    uint32_t without;  /* not in an operation that meets one of these; bit per command code */
    struct fault_arg_info args[FAULT_ARGS_MAX + 1];
    /* What of arguments and site does not go together: false, with the reason in `why`; NULL: nothing. */
    bool (*fits)(const struct fault *fault, char *why, size_t size);
    const char *unless; /* where it does not fire though its site comes; NULL: nowhere */
    const char *sweep;  /* the arguments a sweep tries, each as in parentheses, by spaces: "() (by=client)" */
    uint32_t weight;    /* a sweep tries heavier ones first: how likely it is to find a bug, 1 to 100 */
    const char *what;   /* one line: what happens */
    const char
        *real; /* one line: when it happens in reality, and where that is told (spec section or a report) */
    const char *correct_client; /* one line: what a correct client does next */
    const char *rules;          /* it is meant to bring out, by spaces */
};
extern const struct fault_info fault_table[FAULT_KIND_COUNT];

struct fault_error {
    size_t offset;     /* byte in the text where the trouble starts */
    char message[300]; /* names the input, what was expected, and near names */
};

/* A result that a fault may give in a call's place, or after it (spec 3.3 to 3.11), in the order of the words of
 * error's and error-after's argument. */
struct fault_result {
    int32_t result;
    uint32_t instead; /* functions that may give it without having been made: bit per enum vdi_function */
    uint32_t after;   /* ... after they did what they do */
};
enum {
    FAULT_RESULTS = 6
};
extern const struct fault_result fault_results[FAULT_RESULTS];

/* 0, or EINVAL with *error filled. */
int fault_parse(const char *text, struct fault *fault, struct fault_error *error);
/* Canonical text: defaults left out, always parses back to the same fault. Returns as snprintf. */
int fault_format(const struct fault *fault, char *text, size_t size);

/* False for the completion codes that leave a device as it is (spec 2.2, 5.7): success, not supported, ends of data and
 * media. */
bool fault_is_io_error(int32_t completion_code);

/* The errno that a fault with such an argument gives. */
int fault_errno(const struct fault *fault);

/* The index-th of an argument's choices, with its length; NULL past the end. */
const char *fault_value_word(const char *values, int32_t index, size_t *length);

#endif
