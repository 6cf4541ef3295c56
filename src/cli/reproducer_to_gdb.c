/* reproducer_to_gdb.c - a script for gdb; see reproducer.h. */
#include <errno.h>
#include <stdlib.h>

#include "client.h"
#include "reproducer.h"
#include "scenario_types.h"
#include "server.h"
#include "text.h"

enum {
    LINE_TEXT_MAX = 256
};

/* The compiler knows whether there is such a function. */
#define CORE(function) (sizeof(&(function)) != 0 ? #function : NULL)

/* What a call is in the core; NULL: nothing, it is of the world. */
static const char *const core_functions[SCENARIO_VERB_COUNT] = {
    [SCENARIO_CLIENT_CREATE] = CORE(client_set_create),
    [SCENARIO_CLIENT_OPEN_IN_SECONDARY] = CORE(client_set_open_in_secondary),
    [SCENARIO_CLIENT_GET_CONFIGURATION] = CORE(client_set_get_configuration),
    [SCENARIO_CLIENT_OPEN_DEVICE] = CORE(client_set_open_device),
    [SCENARIO_CLIENT_GET_COMMAND] = CORE(client_device_get_command),
    [SCENARIO_CLIENT_COMPLETE_COMMAND] = CORE(client_device_complete_command),
    [SCENARIO_CLIENT_GET_BUFFER_HANDLE] = CORE(client_set_get_buffer_handle),
    [SCENARIO_CLIENT_MAP_BUFFER_HANDLE] = CORE(client_set_map_buffer_handle),
    [SCENARIO_CLIENT_REGISTER_DEVICE_CLOSED] = CORE(client_set_register_device_closed),
    [SCENARIO_CLIENT_SIGNAL_ABORT] = CORE(client_set_signal_abort),
    [SCENARIO_CLIENT_CLOSE] = CORE(client_set_close),
    [SCENARIO_CLIENT_DESTROY] = CORE(client_set_free),
    [SCENARIO_SERVER_OPEN] = CORE(server_set_open),
    [SCENARIO_SERVER_GET_CONFIGURATION] = CORE(server_set_get_configuration),
    [SCENARIO_SERVER_BEGIN_CONFIGURATION] = CORE(server_set_begin_configuration),
    [SCENARIO_SERVER_NAME_DEVICE] = CORE(server_set_name_device),
    [SCENARIO_SERVER_REQUEST_BUFFERS] = CORE(server_set_request_buffers),
    [SCENARIO_SERVER_QUERY_AVAILABLE_BUFFERS] = CORE(server_set_query_available_buffers),
    [SCENARIO_SERVER_END_CONFIGURATION] = CORE(server_set_end_configuration),
    [SCENARIO_SERVER_OPEN_DEVICE] = CORE(server_set_open_device),
    [SCENARIO_SERVER_ALLOCATE_BUFFER] = CORE(server_set_allocate_buffer),
    [SCENARIO_SERVER_FREE_BUFFER] = CORE(server_set_free_buffer),
    [SCENARIO_SERVER_IS_SHARED_BUFFER] = CORE(server_set_is_shared_buffer),
    [SCENARIO_SERVER_SEND_COMMAND] = CORE(server_device_send_command),
    [SCENARIO_SERVER_EXECUTE_COMPLETION_AGENT] = CORE(server_set_execute_completion_agent),
    [SCENARIO_SERVER_RUN_COMPLETIONS] = CORE(server_set_run_completions),
    [SCENARIO_SERVER_WAIT] = CORE(server_set_wait),
    [SCENARIO_SERVER_CLOSE_DEVICE] = CORE(server_device_close),
    [SCENARIO_SERVER_SIGNAL_ABORT] = CORE(server_set_signal_abort),
    [SCENARIO_SERVER_CLOSE] = CORE(server_set_close),
    [SCENARIO_SERVER_DESTROY] = CORE(server_set_free),
};

/* The call of a line that waits for one is the one that was begun. */
static uint32_t line_of_call(const struct scenario *scenario, uint32_t line)
{
    const struct scenario_line *lines = scenario->lines;
    bool waits = line > 0 && (lines[line - 1].flags & SCENARIO_ENDS) != 0;
    for (uint32_t at = line; waits && at > 0; at--) {
        if (lines[at - 1].who == lines[line - 1].who && (lines[at - 1].flags & SCENARIO_BEGINS) != 0) {
            return at;
        }
    }
    return line;
}

static void put_stop(const struct reproducer *reproducer, FILE *out, uint32_t line)
{
    const struct scenario *scenario = &reproducer->player->board->scenario;
    const char *function = line > 0 ? core_functions[scenario->lines[line - 1].verb] : NULL;
    char text[LINE_TEXT_MAX] = "both sides leave";
    if (line > 0) {
        scenario_print_line(&scenario->lines[line - 1], text, sizeof text);
    }
    fprintf(out, "tbreak play_main.c:begin_line if line == %u\nrun\n", (unsigned)line);
    fprintf(out, "echo line %u: %s\\n\n", (unsigned)line, text);
    if (function != NULL) {
        fprintf(out, "tbreak %s\ncontinue\n", function);
    }
    fprintf(out, "backtrace\n");
}

int reproducer_to_gdb(const struct reproducer *reproducer, FILE *out)
{
    const struct player *player = reproducer->player;
    const struct scenario *scenario = &player->board->scenario;
    char *file = realpath(reproducer->scenario, NULL);
    char *const words[] = {file};
    char *quoted = file != NULL ? text_command_line(1, words) : NULL;
    int error = quoted != NULL ? 0 : errno;
    if (quoted != NULL) {
        fprintf(out, "# gdb -x THIS: stops in the call that decides.\n");
        if (reproducer->finding_count > 0) {
            fprintf(out, "# %s\n", reproducer->findings[0].text);
        }
        fprintf(out, "# vdifault " VDIFAULT_VERSION ": %s\n", reproducer->command);
        fprintf(out, "set pagination off\n");
        fprintf(out, "file \"%s\"\nset args %s\n", player->path, quoted);
        /* A sanitizer's report is one more place to stop at; leaks cannot be looked for in a traced process. */
        fprintf(out,
                "set environment ASAN_OPTIONS=abort_on_error=1:detect_leaks=0\n"
                "set environment UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1\n");
        put_stop(reproducer, out,
                 line_of_call(scenario, reproducer->finding_count > 0 ? reproducer->findings[0].line
                                                                      : scenario->line_count));
        error = ferror(out) != 0 ? EIO : 0;
    }
    free(quoted);
    free(file);
    return error;
}
