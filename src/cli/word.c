/* word.c - see word.h. */
#include "word.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool word_forget(struct session *session)
{
    const struct job_options *jobs = &session->setup.options->jobs;
    output_watch_forget(&session->output, OUTPUT_SUCCESS);
    output_watch_forget(&session->output, OUTPUT_FAILURE);
    if (jobs->word != WORD_FILE) {
        return true;
    }
    char *file = rundir_expand(&session->dir, jobs->word_text);
    int error = file == NULL ? ENOMEM : unlink(file) != 0 && errno != ENOENT ? errno : 0;
    free(file);
    if (error != 0) {
        snprintf(session->error, sizeof session->error,
                 "--verdict file:%s: %s; expected a file, which is removed before each job", jobs->word_text,
                 strerror(error));
    }
    return error == 0;
}

/* The first word of a file: "0" and some others mean success, other numbers and some others failure. */
static enum verdict_word read_word(const char *text)
{
    static const struct {
        const char *text;
        enum verdict_word word;
    } words[] = {{"success", VERDICT_SUCCESS},
                 {"ok", VERDICT_SUCCESS},
                 {"failure", VERDICT_FAILURE},
                 {"failed", VERDICT_FAILURE},
                 {"error", VERDICT_FAILURE}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(text, words[i].text) == 0) {
            return words[i].word;
        }
    }
    char *end = NULL;
    long number = strtol(text, &end, 10);
    return end == text || *end != '\0' ? VERDICT_NOTHING : number == 0 ? VERDICT_SUCCESS : VERDICT_FAILURE;
}

static enum verdict_word look_at_file(const struct session *session, const char *name,
                                      char unknown[WORD_UNKNOWN_MAX])
{
    char *path = rundir_expand(&session->dir, name);
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    enum verdict_word word = VERDICT_NOTHING;
    char format[16];
    snprintf(format, sizeof format, "%%%ds", WORD_UNKNOWN_MAX - 1);
    if (file != NULL && fscanf(file, format, unknown) == 1) {
        word = read_word(unknown);
    }
    if (word != VERDICT_NOTHING) {
        unknown[0] = '\0';
    }
    if (file != NULL) {
        fclose(file);
    }
    free(path);
    return word;
}

enum verdict_word word_look(const struct session *session, char unknown[WORD_UNKNOWN_MAX])
{
    const struct job_options *jobs = &session->setup.options->jobs;
    unknown[0] = '\0';
    if (jobs->word == WORD_FILE) {
        return look_at_file(session, jobs->word_text, unknown);
    }
    return session->output.matched[OUTPUT_FAILURE]   ? VERDICT_FAILURE
           : session->output.matched[OUTPUT_SUCCESS] ? VERDICT_SUCCESS
                                                     : VERDICT_NOTHING;
}
