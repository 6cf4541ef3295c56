/* output.c - see output.h. */
#include "output.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tsql.h"

enum {
    SEVERITY_ERROR = 11,
    INTEGER_WIDTH = 11
};

/* -S may hold a protocol and a port, "tcp:host,1433"; "." and "(local)" mean this machine. */
static void name_server(struct output *output, const char *server)
{
    const char *name = server != NULL ? server : "";
    const char *colon = strchr(name, ':');
    if (colon != NULL && (strncasecmp(name, "tcp:", 4) == 0 || strncasecmp(name, "np:", 3) == 0 ||
                          strncasecmp(name, "lpc:", 4) == 0))
        name = colon + 1;
    size_t length = strcspn(name, ",");
    bool local = length == 0 || (length == 1 && name[0] == '.') ||
                 (length == 7 && strncasecmp(name, "(local)", 7) == 0);
    if (!local) {
        snprintf(output->server, sizeof(output->server), "%.*s", (int)length, name);
    } else if (gethostname(output->server, sizeof(output->server)) != 0) {
        snprintf(output->server, sizeof(output->server), "localhost");
    }
    output->server[sizeof(output->server) - 1] = '\0';
}

static void flush(struct output *output, FILE *stream)
{
    if (fflush(stream) != 0 && stream == output->out)
        output->results.broken = true;
    clearerr(stream);
}

void output_text(struct output *output, const char *text, size_t length)
{
    fwrite(text, 1, length, output->out);
    flush(output, output->out);
}

/* The results are the first member. */
static struct output *output_of(struct results *results)
{
    return (struct output *)results;
}

static void print_message(struct results *results, const struct sql_message *message, uint32_t line)
{
    struct output *output = output_of(results);
    const struct sqlcmd_options *options = output->options;
    bool error = message->severity >= SEVERITY_ERROR;
    if (message->severity < options->error_level)
        return;
    bool to_stderr = options->redirect == 1 || (options->redirect == 0 && error);
    FILE *stream = to_stderr ? output->err : output->out;
    if (error || options->error_level < 0)
        fprintf(stream, "Msg %d, Level %d, State %d, Server %s, Line %u\n", message->number,
                message->severity, message->state, output->server, line);
    fprintf(stream, "%s\n", message->text);
    flush(output, stream);
}

/* ---- result sets ---- */

static void forget_rows(struct output *output)
{
    for (size_t i = 0; i < output->cell_count; i++)
        free(output->cells[i]);
    output->cell_count = 0;
    output->columns = NULL;
    output->column_count = 0;
}

static void take_columns(struct results *results, const struct results_column *columns, uint32_t count)
{
    struct output *output = output_of(results);
    output->columns = columns;
    output->column_count = count;
}

static bool take_cell(struct output *output, const char *value)
{
    if (output->cell_count == output->cell_capacity) {
        size_t capacity = output->cell_capacity > 0 ? 2 * output->cell_capacity : 64;
        char **grown = realloc(output->cells, capacity * sizeof(*grown));
        if (grown == NULL)
            return false;
        output->cells = grown;
        output->cell_capacity = capacity;
    }
    char *copy = value != NULL ? strdup(value) : NULL;
    output->cells[output->cell_count++] = copy;
    return copy != NULL || value == NULL;
}

static void take_row(struct results *results, const char *const *values, uint32_t count)
{
    struct output *output = output_of(results);
    bool taken = !results->broken;
    for (uint32_t i = 0; i < count && taken; i++)
        taken = take_cell(output, values[i]);
    results->broken = !taken;
}

static size_t display_width(const char *text)
{
    return tsql_characters(text, strlen(text));
}

static void put(FILE *out, char c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fputc(c, out);
}

static const char *cell_text(const struct output *output, size_t cell)
{
    return output->cells[cell] != NULL ? output->cells[cell] : "NULL";
}

static size_t column_width(const struct output *output, uint32_t column)
{
    const struct results_column *described = &output->columns[column];
    size_t width = display_width(described->name);
    if (results_is_number(described->type) && !output->options->trim && width < INTEGER_WIDTH)
        width = INTEGER_WIDTH;
    for (size_t cell = column; cell < output->cell_count; cell += output->column_count) {
        size_t used = display_width(cell_text(output, cell));
        width = used > width ? used : width;
    }
    return width > 0 ? width : 1;
}

static void put_text(const struct output *output, const char *text, size_t width, bool right)
{
    size_t padding = output->options->trim ? 0 : width - display_width(text);
    put(output->out, ' ', right ? padding : 0);
    fputs(text, output->out);
    put(output->out, ' ', right ? 0 : padding);
}

/* The names of the columns, and the rule under them. */
static void put_header(const struct output *output, const size_t *widths)
{
    for (uint32_t i = 0; i < output->column_count; i++) {
        fputs(i > 0 ? output->options->separator : "", output->out);
        put_text(output, output->columns[i].name, widths[i], false);
    }
    fputc('\n', output->out);
    for (uint32_t i = 0; i < output->column_count; i++) {
        fputs(i > 0 ? output->options->separator : "", output->out);
        put(output->out, '-', widths[i]);
    }
    fputc('\n', output->out);
}

static void put_rows(const struct output *output, const size_t *widths)
{
    for (size_t cell = 0; cell < output->cell_count; cell++) {
        uint32_t column = (uint32_t)(cell % output->column_count);
        bool last = column + 1 == output->column_count;
        fputs(column > 0 ? output->options->separator : "", output->out);
        put_text(output, cell_text(output, cell), widths[column],
                 results_is_number(output->columns[column].type));
        fputs(last ? "\n" : "", output->out);
    }
}

static void print_rows(struct results *results, const struct results_done *done)
{
    struct output *output = output_of(results);
    if (output->column_count == 0)
        return;
    size_t *widths = calloc(output->column_count, sizeof(*widths));
    if (widths == NULL || results->broken) {
        results->broken = true;
        goto done;
    }
    for (uint32_t i = 0; i < output->column_count; i++)
        widths[i] = column_width(output, i);
    if (output->options->header != SQLCMD_HEADER_NONE)
        put_header(output, widths);
    put_rows(output, widths);
    if (done->counted)
        fprintf(output->out, "\n(%" PRId64 " rows affected)\n", done->rows);
    flush(output, output->out);
done:
    free(widths);
    forget_rows(output);
}

static bool look_whether_gone(struct results *results)
{
    /* A closed pipe raises POLLERR by itself; a terminal or file never does. */
    struct pollfd reader = {.fd = fileno(output_of(results)->out), .events = 0};
    if (!results->broken && reader.fd >= 0 && poll(&reader, 1, 0) == 1 &&
        (reader.revents & (POLLERR | POLLHUP)) != 0)
        results->broken = true;
    return results->broken;
}

void output_init(struct output *output, const struct sqlcmd_options *options, FILE *out, FILE *err)
{
    *output = (struct output){.results = {.message = print_message,
                                          .columns = take_columns,
                                          .row = take_row,
                                          .done = print_rows,
                                          .gone = look_whether_gone},
                              .out = out,
                              .err = err,
                              .options = options};
    name_server(output, options->server);
}

void output_end(struct output *output)
{
    forget_rows(output);
    free(output->cells);
}
