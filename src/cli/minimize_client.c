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

/* The option's value behind '=', or at the end of `word` where it is the next one; NULL: it is none of these. */
static char *value_of(char *word)
{
    static const char *const names[] = {"--output", "--to-c"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(word, names[i], length) == 0 && (word[length] == '\0' || word[length] == '=')) {
            return word + length;
        }
    }
    return NULL;
}

/* PROGRAM --minimize FILE and the options, as it wants them. How many files there are. */
static int translate(int argc, char **argv, int at, char **words)
{
    int files = 0, count = 1;
    for (int i = 1; i < argc; i++) {
        char *value = value_of(argv[i]);
        if (i == at) {
            i += strchr(argv[at], '=') != NULL ? 0 : 1;
        } else if (value != NULL && *value == '=') {
            *value = '\0';
            words[count++] = argv[i];
            words[count++] = value + 1;
        } else if (value != NULL && i + 1 < argc) {
            words[count++] = argv[i++];
            words[count++] = argv[i];
        } else if (argv[i][0] == '-') {
            words[count++] = argv[i];
        } else {
            words[count++] = (char *)"--minimize";
            words[count++] = argv[i];
            files++;
        }
    }
    return files;
}

int minimize_by_program(int argc, char **argv)
{
    int at = find(argc, argv);
    char *equals = strchr(argv[at], '=');
    char *program = equals != NULL ? equals + 1 : at + 1 < argc ? argv[at + 1] : NULL;
    char **words = calloc((size_t)argc * 2 + 1, sizeof *words);
    int status = CLI_SETUP;
    if (program == NULL || words == NULL) {
        cli_error(program == NULL ? "minimize: --client: expected the fuzzer's NAME_replay"
                                  : "minimize: no memory");
        status = program == NULL ? CLI_USAGE : CLI_SETUP;
        goto out;
    }
    words[0] = program;
    int files = translate(argc, argv, at, words);
    if (files != 1) {
        cli_error("minimize: --client: %d files given; expected one, an artifact of the fuzzer's", files);
        status = CLI_USAGE;
        goto out;
    }
    execvp(program, words);
    cli_error("minimize: --client: cannot start '%s': %s", program, strerror(errno));
out:
    free(words);
    return status;
}
