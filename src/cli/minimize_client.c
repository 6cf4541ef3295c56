/* minimize_client.c - see minimize_client.h. */
#include "minimize_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define OPTION "--client"

/* Whose value stands behind it or in the next word; words behind "--" are a wrapped client's. */
static int find(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        size_t length = strlen(OPTION);
        if (strncmp(argv[i], OPTION, length) == 0 && (argv[i][length] == '\0' || argv[i][length] == '=')) {
            return i;
        }
    }
    return 0;
}

bool minimize_names_program(int argc, char **argv)
{
    return find(argc, argv) != 0;
}

static bool takes_value(const char *word)
{
    return strcmp(word, "--output") == 0 || strcmp(word, "--to-c") == 0;
}

/* PROGRAM --minimize FILE and the options, as it wants them. */
int minimize_by_program(int argc, char **argv)
{
    int at = find(argc, argv), count = 0;
    char *equals = strchr(argv[at], '=');
    char *program = equals != NULL ? equals + 1 : at + 1 < argc ? argv[at + 1] : NULL;
    char **words = calloc((size_t)argc + 3, sizeof *words);
    if (words == NULL || program == NULL) {
        cli_error(program == NULL ? "minimize: --client: expected the fuzzer's NAME_replay"
                                  : "minimize: no memory");
        free(words);
        return program == NULL ? CLI_USAGE : CLI_SETUP;
    }
    words[count++] = program;
    for (int i = 1; i < argc; i++) {
        if (i == at) {
            i += equals != NULL ? 0 : 1;
        } else if (takes_value(argv[i]) && i + 1 < argc) {
            words[count++] = argv[i++];
            words[count++] = argv[i];
        } else {
            words[count++] = argv[i][0] != '-' ? "--minimize" : argv[i];
            if (argv[i][0] != '-') {
                words[count++] = argv[i];
            }
        }
    }
    execvp(program, words);
    cli_error("minimize: --client: cannot start '%s': %s", program, strerror(errno));
    free(words);
    return CLI_SETUP;
}
