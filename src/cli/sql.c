/* sql.c - statements of --sql. */
#include "sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

static void put_quoted(FILE *out, const char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == '\'') {
            fputc('\'', out);
        }
        fputc(*name, out);
    }
}

static int put_device(FILE *out, const char *format, size_t length, const char *set, uint32_t index)
{
    for (size_t i = 0; i < length; i++) {
        if (format[i] != '%') {
            fputc(format[i], out);
            continue;
        }
        switch (i + 1 < length ? format[++i] : '\0') {
        case 's':
            put_quoted(out, set);
            break;
        case 'd':
            fprintf(out, "%u", index);
            break;
        case '%':
            fputc('%', out);
            break;
        default:
            return EINVAL;
        }
    }
    return 0;
}

static int put_devices(FILE *out, const char *format, size_t length, const char *set, uint32_t devices)
{
    int error = 0;
    for (uint32_t i = 0; i < devices && error == 0; i++) {
        fputs(i > 0 ? ", VIRTUAL_DEVICE='" : "VIRTUAL_DEVICE='", out);
        if (i == 0) {
            put_quoted(out, set);
        } else {
            error = put_device(out, format, length, set, i);
        }
        fputc('\'', out);
    }
    return error;
}

/* The end of %DEVICES:FORMAT%: the first single '%' that is not a conversion. */
static const char *format_end(const char *format)
{
    while (*format != '\0' && (*format != '%' || strchr("sd%", format[1]) != NULL)) {
        if (*format == '%' && format[1] == '\0') {
            return format;
        }
        format += *format == '%' ? 2 : 1;
    }
    return *format == '%' ? format : NULL;
}

static int put_statement(FILE *out, const char *statement, const char *set, uint32_t devices)
{
    static const char set_mark[] = "%SET%";
    static const char devices_mark[] = "%DEVICES:";
    while (*statement != '\0') {
        if (strncmp(statement, set_mark, sizeof set_mark - 1) == 0) {
            put_quoted(out, set);
            statement += sizeof set_mark - 1;
        } else if (strncmp(statement, devices_mark, sizeof devices_mark - 1) == 0) {
            const char *format = statement + sizeof devices_mark - 1;
            const char *end = format_end(format);
            if (end == NULL || put_devices(out, format, (size_t)(end - format), set, devices) != 0) {
                return EINVAL;
            }
            statement = end + 1;
        } else {
            fputc(*statement++, out);
        }
    }
    return 0;
}

char *sql_expand(const char *statement, const char *set, uint32_t devices)
{
    char *expanded = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&expanded, &size);
    if (out == NULL) {
        return NULL;
    }
    int error = put_statement(out, statement, set, devices);
    if (fclose(out) != 0 && error == 0) {
        error = ENOMEM;
    }
    if (error != 0) {
        free(expanded);
        expanded = NULL;
        errno = error;
    }
    return expanded;
}

int sql_start(const char *stand_in, const char *statement, char *const *environment,
              const struct as_user *user, struct sql_process *process)
{
    int ends[2];
    *process = (struct sql_process){.output = -1};
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return errno;
    }
    (void)fcntl(ends[1], F_SETFL, 0); /* the stand-in writes as to any pipe */
    char *const argv[] = {(char *)"sqlcmd", (char *)"-b", (char *)"-Q", (char *)statement, NULL};
    struct launch launch = {.path = stand_in,
                            .argv = argv,
                            .environment = environment,
                            .user = user,
                            .standard = {-1, ends[1], ends[1]}};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    launch.standard[0] = null;
    int error = null < 0 ? errno : launch_start(&launch, &process->pid);
    if (null >= 0) {
        close(null);
    }
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return error;
    }
    process->output = ends[0];
    return 0;
}

void sql_read(struct sql_process *process)
{
    char piece[4096];
    ssize_t got;
    while (process->output >= 0 && (got = read(process->output, piece, sizeof piece)) != 0) {
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno == EAGAIN) {
                return;
            }
            break;
        }
        size_t length = (size_t)got;
        if (process->length + length > SQL_OUTPUT_MAX) {
            length = SQL_OUTPUT_MAX - process->length; /* the rest is read and dropped */
        }
        char *text = realloc(process->text, process->length + length + 1);
        if (text == NULL) {
            continue;
        }
        memcpy(text + process->length, piece, length);
        process->length += length;
        text[process->length] = '\0';
        process->text = text;
    }
    if (process->output >= 0) {
        close(process->output);
        process->output = -1;
    }
}

void sql_free(struct sql_process *process)
{
    if (process->output >= 0) {
        close(process->output);
    }
    free(process->text);
    *process = (struct sql_process){.output = -1};
}

int sql_write_result(const struct sql_process *process, const char *file)
{
    char *other = NULL;
    int error = 0;
    if (asprintf(&other, "%s.%d.new", file, (int)getpid()) < 0) {
        return ENOMEM;
    }
    FILE *out = fopen(other, "we");
    if (out == NULL) {
        error = errno;
        goto out;
    }
    bool success = WIFEXITED(process->status) && WEXITSTATUS(process->status) == 0;
    fputs(success ? "success\n" : "failed\n", out);
    fwrite(process->text != NULL ? process->text : "", 1, process->length, out);
    if (fclose(out) != 0) {
        error = errno;
    } else if (rename(other, file) != 0) {
        error = errno;
    }
    if (error != 0) {
        (void)unlink(other);
    }
out:
    free(other);
    return error;
}
