/* minimize_client.c - see minimize_client.h. */
#include "minimize_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
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

/* PROGRAM --greet FD --minimize FILE and the options, as it wants them. How many files there are. */
static int translate(int argc, char **argv, int at, char *fd, char **words)
{
    int files = 0, count = 1;
    words[count++] = (char *)"--greet";
    words[count++] = fd;
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

/* What comes of the program, which inherits `greeting`: errno there, if it cannot be started. */
_Noreturn static void become(char **words, int greeting)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    (void)fcntl(greeting, F_SETFD, 0);
    execvp(words[0], words);
    int error = errno;
    (void)!write(greeting, &error, sizeof error);
    _exit(CLI_SETUP);
}

static int judge_end(const char *program, int status)
{
    if (WIFSIGNALED(status)) {
        cli_error("minimize: --client: '%s' was ended by signal %d (%s)", program, WTERMSIG(status),
                  strsignal(WTERMSIG(status)));
        return 128 + WTERMSIG(status);
    }
    return WEXITSTATUS(status);
}

static int run_program(char **words, char *fd)
{
    int ends[2], status = 0, word = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        cli_error("minimize: --client: no pipe: %s", strerror(errno));
        return CLI_SETUP;
    }
    (void)sprintf(fd, "%d", ends[1]); /* room for every int */
    pid_t child = fork();
    if (child == 0) {
        become(words, ends[1]);
    }
    int error = child < 0 ? errno : 0;
    close(ends[1]);
    ssize_t got = error == 0 ? read(ends[0], &word, sizeof word) : 0; /* or its end */
    close(ends[0]);
    while (error == 0 && waitpid(child, &status, 0) < 0) {
        error = errno != EINTR ? errno : 0;
    }
    error = error == 0 && got == sizeof word ? word : error;
    if (error != 0) {
        cli_error("minimize: --client: cannot start '%s': %s", words[0], strerror(error));
        return CLI_SETUP;
    }
    if (got != sizeof word) {
        cli_error(
            "minimize: --client: '%s' does not minimize: it ended with %s %d, and without the words that a "
            "client's fuzzer has for this; expected NAME_replay, as vdifault_client_fuzzer(NAME) builds it",
            words[0], WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        return CLI_SETUP;
    }
    return judge_end(words[0], status);
}

int minimize_by_program(int argc, char **argv)
{
    enum {
        MORE = 3, /* --greet FD, and the end */
        FD_MAX = 12
    };
    char fd[FD_MAX] = "";
    int at = find(argc, argv);
    char *equals = strchr(argv[at], '=');
    char *program = equals != NULL ? equals + 1 : at + 1 < argc ? argv[at + 1] : NULL;
    char **words = calloc((size_t)argc * 2 + MORE, sizeof *words);
    int status = CLI_SETUP;
    if (program == NULL || words == NULL) {
        cli_error(program == NULL ? "minimize: --client: expected the fuzzer's NAME_replay"
                                  : "minimize: no memory");
        status = program == NULL ? CLI_USAGE : CLI_SETUP;
        goto out;
    }
    words[0] = program;
    int files = translate(argc, argv, at, fd, words);
    if (files != 1) {
        cli_error("minimize: --client: %d files given; expected one, an artifact of the fuzzer's", files);
        status = CLI_USAGE;
        goto out;
    }
    status = run_program(words, fd);
out:
    free(words);
    return status;
}
