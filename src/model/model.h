/* model.h - the reference model: what each VDI function may return in each state (spec 2.2 to 2.4).
 *
 * Responsible for: the tables of tables.def as const data; their lookup; and struct model_set, a state
 * machine of one set with both its sides, which says for the calls made so far what the next one may return.
 * Not responsible for: making calls. The core never includes this: it is checked against the model.
 *
 * Results are those of vdierror.h and server.h (0 is NOERROR); MODEL_VOID stands for a function without one.
 * Nothing here allocates or blocks. The tables may be read by any thread, a model_set by one at a time: the
 * machine takes calls one after another, so a test with several threads gives it the order in which calls
 * returned.
 */
#ifndef VDIFAULT_MODEL_H
#define VDIFAULT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vdi.h"
#include "vdierror.h"

/* --- the words --- */

enum model_table {
    MODEL_CLIENT,
    MODEL_SERVER,
    MODEL_DEVICE,
    MODEL_TABLE_COUNT
};

enum model_state {
    MODEL_STAY, /* as a next state only */
    MODEL_DOES_NOT_EXIST,
    MODEL_CONNECTED, /* server only */
    MODEL_CONFIGURABLE,
    MODEL_INITIALIZING,
    MODEL_ACTIVE,
    MODEL_TERMINATED,
    MODEL_ABORTED,
    MODEL_DEVICE_ACTIVE, /* of one device, down to the end */
    MODEL_DEVICE_IO_ERROR,
    MODEL_DEVICE_CLOSED,
    MODEL_STATE_COUNT
};

/* MODEL_CLIENT_Create, ..., MODEL_SERVER_Open, ..., MODEL_DEVICE_SendCommand, ... */
enum model_function {
#define CLIENT(name, ...) MODEL_CLIENT_##name,
#define SERVER(name, ...) MODEL_SERVER_##name,
#define DEVICE(name, ...) MODEL_DEVICE_##name,
#include "tables.def"
    MODEL_FUNCTION_COUNT
};

/* MODEL_ALWAYS, MODEL_NAME_FREE, ...: what of the state matters to the result, beside the state. */
enum model_situation {
    MODEL_NO_SITUATION,
#define SITUATION(name, text) MODEL_##name,
#include "tables.def"
    MODEL_SITUATION_COUNT
};

/* MODEL_DIALECT_OPEN_ACTIVE, ...: the other readings; a set of them is a mask of 1u << dialect. */
enum model_dialect {
    MODEL_NO_DIALECT,
#define DIALECT(id, ...) MODEL_DIALECT_##id,
#include "tables.def"
    MODEL_DIALECT_COUNT
};
#define MODEL_DEFAULTS     0u
#define MODEL_ANY_DIALECTS (~0u & ~(1u << MODEL_DIALECT_UNOFFERED))

enum {
    MODEL_VOID = INT32_MAX,
    MODEL_OUTCOMES_MAX = 6,
    MODEL_RESULT_TEXT = 16,
    MODEL_DEVICES_MAX = 64,
    MODEL_COMMANDS_MAX = 16, /* outstanding on one device (X11) */
};

/* --- the tables --- */

enum model_basis {
    MODEL_NO_CELL,
    MODEL_SOURCED,
    MODEL_DERIVED,
    MODEL_CONTRADICTED, /* by number: X1 to X16 of spec 2.6 */
    MODEL_OURS,
};

struct model_outcome {
    enum model_situation situation; /* MODEL_NO_SITUATION ends a cell's list */
    int32_t result;
    enum model_state next; /* MODEL_STAY: the state stays */
    bool ours;             /* the documents do not mention the situation, whatever the cell's basis */
    enum model_dialect dialect;
    int32_t other_result; /* under `dialect`, if there is one */
    enum model_state other_next;
};

struct model_cell {
    enum model_basis basis; /* MODEL_NO_CELL: the function has none for this state */
    uint32_t contradiction; /* n of Xn */
    struct model_outcome outcomes[MODEL_OUTCOMES_MAX];
};

/* Never NULL; a state that is none of the function's table gives a cell of basis MODEL_NO_CELL. */
const struct model_cell *model_cell(enum model_function function, enum model_state state);
size_t model_outcome_count(const struct model_cell *cell);
/* What an outcome gives under a set of dialects. */
int32_t model_result(const struct model_outcome *outcome, uint32_t dialects);
enum model_state model_next(const struct model_outcome *outcome, uint32_t dialects);

/* Whether some situation of the cell gives this result under these dialects. */
bool model_allows(enum model_function function, enum model_state state, int32_t result, uint32_t dialects);

/* The columns of a table, in the spec's order. */
const enum model_state *model_states(enum model_table table, size_t *count);
enum model_table model_function_table(enum model_function function);
const char *model_function_name(enum model_function function);
const char *model_state_name(enum model_state state);
const char *model_situation_text(enum model_situation situation); /* "" for MODEL_ALWAYS */
const char *model_dialect_word(enum model_dialect dialect);       /* as in VDI_DIALECT; NULL: not offered */
const char *model_dialect_usual(enum model_dialect dialect);      /* the same of the default reading */
const char *model_dialect_label(enum model_dialect dialect);      /* "X1" */
/* What the reading says, or with `usual` the default one. */
const char *model_dialect_text(enum model_dialect dialect, bool usual);
/* "VD_E_PROTOCOL", "NOERROR", or for another number its hex digits, in `text`. */
const char *model_result_name(int32_t result, char text[MODEL_RESULT_TEXT]);
/* The same of what a function gave: "TRUE" and "FALSE" of those that give no code. */
const char *model_outcome_name(enum model_function function, int32_t result, char text[MODEL_RESULT_TEXT]);

#endif
