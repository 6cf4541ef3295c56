/* The tables of tables.def, and the names of what is in them. */
#include "model.h"

#include <stdio.h>

#include "codes.h"

/* --- tables.def, read as cells --- */

enum result {
    R_NOERROR = 0,
    R_FALSE = 0,
    R_TRUE = 1,
    R_VOID = MODEL_VOID,
    R_IO_ERROR = VD_E_IO_ERROR,
    R_TIMEOUT = VD_E_TIMEOUT,
    R_ABORT = VD_E_ABORT,
    R_INVALID = VD_E_INVALID,
    R_QUEUE_FULL = VD_E_QUEUE_FULL,
    R_NOTSUPPORTED = VD_E_NOTSUPPORTED,
    R_MEMORY = VD_E_MEMORY,
    R_PROTOCOL = VD_E_PROTOCOL,
    R_OPEN = VD_E_OPEN,
    R_CLOSE = VD_E_CLOSE,
    R_BUSY = VD_E_BUSY,
};

/* Each pastes its arguments itself: passed on, words like INVALID would be taken for the macros below. */
#define IF(when, result, next)                                                                    \
    {                                                                                             \
        MODEL_##when, R_##result, MODEL_##next, false, MODEL_NO_DIALECT, R_##result, MODEL_##next \
    }
#define OURS(when, result, next)                                                                 \
    {                                                                                            \
        MODEL_##when, R_##result, MODEL_##next, true, MODEL_NO_DIALECT, R_##result, MODEL_##next \
    }
#define EITHER(when, result, next, dialect, other, other_next)                             \
    {                                                                                      \
        MODEL_##when, R_##result, MODEL_##next, false, MODEL_DIALECT_##dialect, R_##other, \
            MODEL_##other_next                                                             \
    }
#define OURS_EITHER(when, result, next, dialect, other, other_next)                                          \
    {                                                                                                        \
        MODEL_##when, R_##result, MODEL_##next, true, MODEL_DIALECT_##dialect, R_##other, MODEL_##other_next \
    }
#define TO(state) IF(ALWAYS, NOERROR, state)
#define OK        IF(ALWAYS, NOERROR, STAY)
#define P         IF(ALWAYS, PROTOCOL, STAY)
#define INVALID   IF(ALWAYS, INVALID, STAY)
#define ABORT     IF(ALWAYS, ABORT, STAY)
#define CLOSE     IF(ALWAYS, CLOSE, STAY)
#define IO_ERROR  IF(ALWAYS, IO_ERROR, STAY)
#define FALSE     IF(ALWAYS, FALSE, STAY)
#define VOID      IF(ALWAYS, VOID, STAY)

#define S(...)            \
    {                     \
        MODEL_SOURCED, 0, \
        {                 \
            __VA_ARGS__   \
        }                 \
    }
#define D(...)            \
    {                     \
        MODEL_DERIVED, 0, \
        {                 \
            __VA_ARGS__   \
        }                 \
    }
#define O(...)          \
    {                   \
        MODEL_OURS, 0,  \
        {               \
            __VA_ARGS__ \
        }               \
    }
#define X(number, ...)              \
    {                               \
        MODEL_CONTRADICTED, number, \
        {                           \
            __VA_ARGS__             \
        }                           \
    }

/* The columns of each table. */
static const enum model_state client_states[] = {MODEL_DOES_NOT_EXIST, MODEL_CONFIGURABLE, MODEL_INITIALIZING,
                                                 MODEL_ACTIVE,         MODEL_TERMINATED,   MODEL_ABORTED};
static const enum model_state server_states[] = {MODEL_DOES_NOT_EXIST, MODEL_CONNECTED, MODEL_CONFIGURABLE,
                                                 MODEL_INITIALIZING,   MODEL_ACTIVE,    MODEL_TERMINATED,
                                                 MODEL_ABORTED};
static const enum model_state device_states[] = {MODEL_DEVICE_ACTIVE, MODEL_DEVICE_IO_ERROR,
                                                 MODEL_DEVICE_CLOSED};

enum {
    CLIENT_STATES = sizeof client_states / sizeof client_states[0],
    SERVER_STATES = sizeof server_states / sizeof server_states[0],
    DEVICE_STATES = sizeof device_states / sizeof device_states[0],
};

static const struct model_cell client_cells[][CLIENT_STATES] = {
#define CLIENT(function, ...) {__VA_ARGS__},
#include "tables.def"
};
static const struct model_cell server_cells[][SERVER_STATES] = {
#define SERVER(function, ...) {__VA_ARGS__},
#include "tables.def"
};
static const struct model_cell device_cells[][DEVICE_STATES] = {
#define DEVICE(function, ...) {__VA_ARGS__},
#include "tables.def"
};

#undef S
#undef D
#undef O
#undef X
#undef P
#undef OK
#undef TO
#undef IF
#undef OURS
#undef EITHER
#undef OURS_EITHER

static const struct {
    const enum model_state *states;
    size_t state_count;
    const struct model_cell *cells; /* row by row */
    enum model_function first;
} tables[MODEL_TABLE_COUNT] = {
    {client_states, CLIENT_STATES, client_cells[0], MODEL_CLIENT_Create},
    {server_states, SERVER_STATES, server_cells[0], MODEL_SERVER_Open},
    {device_states, DEVICE_STATES, device_cells[0], MODEL_DEVICE_SendCommand},
};

/* --- lookup --- */

enum model_table model_function_table(enum model_function function)
{
    return function < MODEL_SERVER_Open          ? MODEL_CLIENT
           : function < MODEL_DEVICE_SendCommand ? MODEL_SERVER
                                                 : MODEL_DEVICE;
}

const enum model_state *model_states(enum model_table table, size_t *count)
{
    *count = tables[table].state_count;
    return tables[table].states;
}

const struct model_cell *model_cell(enum model_function function, enum model_state state)
{
    static const struct model_cell no_cell;
    enum model_table table = model_function_table(function);
    size_t columns = tables[table].state_count;
    for (size_t i = 0; i < columns; i++) {
        if (tables[table].states[i] == state) {
            return &tables[table].cells[(size_t)(function - tables[table].first) * columns + i];
        }
    }
    return &no_cell;
}

size_t model_outcome_count(const struct model_cell *cell)
{
    size_t count = 0;
    while (count < MODEL_OUTCOMES_MAX && cell->outcomes[count].situation != MODEL_NO_SITUATION) {
        count++;
    }
    return count;
}

static bool speaks(const struct model_outcome *outcome, uint32_t dialects)
{
    return outcome->dialect != MODEL_NO_DIALECT && (dialects >> outcome->dialect & 1) != 0;
}

int32_t model_result(const struct model_outcome *outcome, uint32_t dialects)
{
    return speaks(outcome, dialects) ? outcome->other_result : outcome->result;
}

enum model_state model_next(const struct model_outcome *outcome, uint32_t dialects)
{
    return speaks(outcome, dialects) ? outcome->other_next : outcome->next;
}

bool model_allows(enum model_function function, enum model_state state, int32_t result, uint32_t dialects)
{
    const struct model_cell *cell = model_cell(function, state);
    size_t count = model_outcome_count(cell);
    for (size_t i = 0; i < count; i++) {
        if (model_result(&cell->outcomes[i], dialects) == result) {
            return true;
        }
    }
    return false;
}

/* --- names --- */

const char *model_function_name(enum model_function function)
{
    static const char *const names[] = {
#define CLIENT(function, ...) #function,
#define SERVER(function, ...) #function,
#define DEVICE(function, ...) #function,
#include "tables.def"
    };
    return names[function];
}

const char *model_state_name(enum model_state state)
{
    static const char *const names[MODEL_STATE_COUNT] = {
        [MODEL_STAY] = "the same state",
        [MODEL_DOES_NOT_EXIST] = "Does Not Exist",
        [MODEL_CONNECTED] = "Connected",
        [MODEL_CONFIGURABLE] = "Configurable",
        [MODEL_INITIALIZING] = "Initializing",
        [MODEL_ACTIVE] = "Active",
        [MODEL_TERMINATED] = "Normally Terminated",
        [MODEL_ABORTED] = "Abort",
        [MODEL_DEVICE_ACTIVE] = "Active",
        [MODEL_DEVICE_IO_ERROR] = "IO-ERROR",
        [MODEL_DEVICE_CLOSED] = "Closed",
    };
    return names[state];
}

const char *model_situation_text(enum model_situation situation)
{
    static const char *const texts[] = {
        "",
#define SITUATION(name, text) text,
#include "tables.def"
    };
    return texts[situation];
}

static const struct {
    const char *usual, *other, *label, *usual_text, *other_text;
} dialect_names[] = {
    {"", "", "", "", ""},
#define DIALECT(id, name, usual, other, label, usual_text, other_text) \
    {name ":" usual, name ":" other, label, usual_text, other_text},
#include "tables.def"
};

const char *model_dialect_word(enum model_dialect dialect)
{
    return dialect == MODEL_DIALECT_UNOFFERED ? NULL : dialect_names[dialect].other;
}

const char *model_dialect_usual(enum model_dialect dialect)
{
    return dialect_names[dialect].usual;
}

const char *model_dialect_label(enum model_dialect dialect)
{
    return dialect_names[dialect].label;
}

const char *model_dialect_text(enum model_dialect dialect, bool usual)
{
    return usual ? dialect_names[dialect].usual_text : dialect_names[dialect].other_text;
}

const char *model_result_name(int32_t result, char text[MODEL_RESULT_TEXT])
{
    static const struct {
        int32_t result;
        const char *name;
    } names[] = {
        {0, "NOERROR"},
        {MODEL_VOID, "(void)"},
        {VD_E_IO_ERROR, "VD_E_IO_ERROR"},
        {VD_E_NOTOPEN, "VD_E_NOTOPEN"},
        {VD_E_TIMEOUT, "VD_E_TIMEOUT"},
        {VD_E_ABORT, "VD_E_ABORT"},
        {VD_E_SECURITY, "VD_E_SECURITY"},
        {VD_E_INVALID, "VD_E_INVALID"},
        {VD_E_INSTANCE_NAME, "VD_E_INSTANCE_NAME"},
        {VD_E_QUEUE_FULL, "VD_E_QUEUE_FULL"},
        {VD_E_NOTSUPPORTED, "VD_E_NOTSUPPORTED"},
        {VD_E_MEMORY, "VD_E_MEMORY"},
        {VD_E_UNEXPECTED, "VD_E_UNEXPECTED"},
        {VD_E_PROTOCOL, "VD_E_PROTOCOL"},
        {VD_E_OPEN, "VD_E_OPEN"},
        {VD_E_CLOSE, "VD_E_CLOSE"},
        {VD_E_BUSY, "VD_E_BUSY"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].result == result) {
            return names[i].name;
        }
    }
    snprintf(text, MODEL_RESULT_TEXT, "0x%08x", (unsigned)result);
    return text;
}

const char *model_outcome_name(enum model_function function, int32_t result, char text[MODEL_RESULT_TEXT])
{
    if (function == MODEL_SERVER_IsSharedBuffer) {
        return result != 0 ? "TRUE" : "FALSE";
    }
    return model_result_name(result, text);
}
