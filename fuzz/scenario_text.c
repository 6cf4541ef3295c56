/* scenario_text - prints a scenario: what a fuzzing engine left behind, as text for people and version control.
 *
 * usage: scenario_text [--binary] [FILE]
 * Reads either form, from stdin without FILE. --binary: writes the other one.
 * Exit status: 0; 1: it could not be read or written; 2: usage, or text that is no scenario.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "scenario.h"

enum {
    INPUT_MAX = 1 << 17
};

static uint8_t bytes[INPUT_MAX];
static char text[INPUT_MAX];

static int fail(const char *path)
{
    fprintf(stderr, "scenario_text: %s: %s\n", path, strerror(errno));
    return 1;
}

static int read_input(const char *path, size_t *length)
{
    FILE *in = path != NULL ? fopen(path, "rb") : stdin;
    if (in == NULL) {
        return fail(path);
    }
    *length = fread(bytes, 1, sizeof bytes, in);
    int status = ferror(in) ? fail(path != NULL ? path : "stdin") : 0;
    if (path != NULL) {
        fclose(in);
    }
    return status;
}

static int write_output(const struct scenario *scenario, bool binary)
{
    size_t length = 0;
    if (binary) {
        length = scenario_encode(scenario, bytes, sizeof bytes);
    } else {
        length = (size_t)scenario_print(scenario, text, sizeof text);
    }
    fwrite(binary ? (const void *)bytes : text, 1, length, stdout);
    return fflush(stdout) != 0 || ferror(stdout) ? fail("stdout") : 0;
}

int main(int argc, char **argv)
{
    static struct scenario scenario;
    struct fault_error error;
    uint32_t line = 0;
    size_t length = 0;
    bool binary = argc > 1 && strcmp(argv[1], "--binary") == 0;
    const char *path = argc > 1 + binary ? argv[1 + binary] : NULL;
    if (argc > 2 + binary || (path != NULL && path[0] == '-')) {
        fprintf(stderr, "usage: scenario_text [--binary] [FILE]\n");
        return 2;
    }
    int status = read_input(path, &length);
    if (status != 0) {
        return status;
    }
    if (scenario_read(bytes, length, &scenario, NULL, &error, &line) != 0) {
        fprintf(stderr, "scenario_text: %s:%u:%zu: %s\n", path != NULL ? path : "stdin", line,
                error.offset + 1, error.message);
        return 2;
    }
    return write_output(&scenario, binary);
}
