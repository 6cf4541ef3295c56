/* server_calls.h - how each function of the server is called in each situation of its cells, for server_test.c. */
#ifndef SERVER_CALLS_H
#define SERVER_CALLS_H

#include "server_fixture.h"

struct server_case {
    enum model_function function;
    enum model_state state;
    const struct model_outcome *outcome;
};

struct call {
    struct server_fixture *f;
    const struct server_case *one;
    /* arguments; what situations change */
    const char *name;
    uint32_t value; /* a size or block size: 0 is a bad one */
    uint32_t count;
    uint8_t *buffer;
    enum model_state next; /* the expected one; a call that blocks is over when the state has moved on */
};

typedef int32_t make_call(struct call *call);

struct server_situation {
    uint32_t devices;
    uint32_t opened;
    void (*prepare)(struct call *call);
    make_call *call; /* NULL: the function's */
};

extern make_call *const server_calls[MODEL_FUNCTION_COUNT];
extern const struct server_situation server_situations[MODEL_SITUATION_COUNT];
make_call *server_choose_call(const struct server_case *one);

#endif
