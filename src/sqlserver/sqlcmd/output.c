/* output.c - see output.h. */
#include "output.h"

#include <poll.h>
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

void output_init(struct output *output, const struct sqlcmd_options *options, FILE *out, FILE *err)
{
    *output = (struct output){.out = out, .err = err, .options = options};
    name_server(output, options->server);
}

static void flush(struct output *output, FILE *stream)
{
    if (fflush(stream) != 0 && stream == output->out)
        output->gone = true;
    clearerr(stream);
}

void output_text(struct output *output, const char *text, size_t length)
{
    fwrite(text, 1, length, output->out);
    flush(output, output->out);
}

void output_message(struct output *output, const struct sql_message *message, uint32_t line)
{
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

static size_t display_width(const char *text)
{
    return tsql_characters(text, strlen(text));
}

static void put(FILE *out, char c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fputc(c, out);
}

/* One line of a table. `dashes`: the rule under the header. */
static void put_line(struct output *output, const struct output_column *columns, uint32_t count, bool header,
                     bool dashes)
{
    FILE *out = output->out;
    for (uint32_t i = 0; i < count; i++) {
        const char *value = columns[i].value != NULL ? columns[i].value : "NULL";
        size_t value_width = display_width(value), width = value_width;
        if (columns[i].number && !output->options->trim && width < INTEGER_WIDTH)
            width = INTEGER_WIDTH;
        if (display_width(columns[i].name) > width)
            width = display_width(columns[i].name);
        if (width == 0)
            width = 1;
        const char *text = header ? columns[i].name : value;
        size_t used = display_width(text);
        bool right = columns[i].number && !header;
        if (i > 0)
            fputs(output->options->separator, out);
        if (dashes) {
            put(out, '-', width);
            continue;
        }
        if (right && !output->options->trim)
            put(out, ' ', width - used);
        fputs(text, out);
        if (!right && !output->options->trim)
            put(out, ' ', width - used);
    }
    fputc('\n', out);
}

void output_row(struct output *output, const struct output_column *columns, uint32_t count,
                bool rows_affected)
{
    if (output->options->header != SQLCMD_HEADER_NONE) {
        put_line(output, columns, count, true, false);
        put_line(output, columns, count, false, true);
    }
    put_line(output, columns, count, false, false);
    if (rows_affected)
        fputs("\n(1 rows affected)\n", output->out);
    flush(output, output->out);
}

bool output_gone(struct output *output)
{
    /* A closed pipe raises POLLERR by itself; a terminal or file never does. */
    struct pollfd reader = {.fd = fileno(output->out), .events = 0};
    if (!output->gone && reader.fd >= 0 && poll(&reader, 1, 0) == 1 &&
        (reader.revents & (POLLERR | POLLHUP)) != 0)
        output->gone = true;
    return output->gone;
}
