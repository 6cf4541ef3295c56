/* fault.h - the fault catalogue and the one parser of fault specifications.
 *
 *   fault  = kind [ "(" arg {"," arg} ")" ] [ "@" site ]
 *   site   = name [ "#" nth ] [ ":" device ] [ "/" op ]
 *   nth    = n | n "+" | "last" | "*"         device = index | "*"       op = index
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

enum fault_kind {
    FAULT_EARLY_CLOSE,
    FAULT_LOST_CLOSE,
    FAULT_ABORT,
    FAULT_UNKNOWN_COMMAND,
    FAULT_KIND_COUNT
};
enum fault_class {
    FAULT_CLASS_SPEC,
    FAULT_CLASS_FIELD,
    FAULT_CLASS_HOSTILE
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

enum {
    FAULT_TEXT_MAX = 128
};
enum {
    FAULT_NTH_LAST = -1
};
enum {
    FAULT_DEVICE_ANY = -1,
    FAULT_DEVICE_EACH = -2
};

struct fault_site {
    uint16_t function; /* enum vdi_function, or 0 */
    uint16_t command;  /* VDC_* code, or 0: exactly one of the two is set */
    int32_t nth;       /* from 1, or FAULT_NTH_LAST */
    bool and_later;    /* "n+": every match from the nth on ("*" is 1+) */
    int32_t device;    /* index, FAULT_DEVICE_ANY (first to reach nth) or FAULT_DEVICE_EACH */
    int32_t operation;
};

struct fault {
    enum fault_kind kind;
    enum fault_by by;
    enum fault_at at;
    int32_t code; /* unknown-command */
    struct fault_site site;
};

struct fault_arg_info {
    const char *name;
    const char *values; /* "client|server", or "CODE" for a number */
    const char *fallback;
};

/* One row of the catalogue. */
struct fault_info {
    const char *name;
    enum fault_class class;
    const char *default_site; /* NULL: a site must be given */
    uint32_t functions;       /* legal sites: bit per enum vdi_function */
    uint32_t commands;        /* legal sites: bit per command code */
    bool works_on_real_server;
    struct fault_arg_info args[3];
    const char *what;           /* one line: what happens */
    const char *correct_client; /* one line: what a correct client does next */
};
extern const struct fault_info fault_table[FAULT_KIND_COUNT];

struct fault_error {
    size_t offset;     /* byte in the text where the trouble starts */
    char message[256]; /* names the input, what was expected, and near names */
};

/* 0, or EINVAL with *error filled. */
int fault_parse(const char *text, struct fault *fault, struct fault_error *error);
/* Canonical text: defaults left out, always parses back to the same fault. Returns as snprintf. */
int fault_format(const struct fault *fault, char *text, size_t size);

#endif
