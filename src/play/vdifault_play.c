/* vdifault_play.c - see vdifault_play.h: a scenario whose lines come one by one. */
#include "vdifault_play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "play.h"

#define EXPORT __attribute__((visibility("default")))

enum {
    LINE_TEXT_MAX = 256
};

struct vdifault_play {
    struct play *play;
    char *text; /* of all lines so far: they are parsed as one, so that the language has one parser */
    size_t length;
    struct scenario scenario; /* `text` */
    struct scenario parsed;   /* ... with what is asked for now; it becomes `scenario` if it is one */
    uint32_t played;          /* lines */
    bool begun, ended;
    struct play_outcome outcome;
    char wrong[PLAY_DEVIATION_MAX + LINE_TEXT_MAX];
};

static struct vdifault_play *at_work; /* the simulation has one world at a time */

EXPORT struct vdifault_play *vdifault_play_new(void)
{
    struct vdifault_play *self = calloc(1, sizeof *self);
    if (self != NULL) {
        self->play = play_new(&play_in_simulation);
        scenario_init(&self->scenario);
    }
    if (self != NULL && self->play == NULL) {
        free(self);
        return NULL;
    }
    return self;
}

static void end(struct vdifault_play *self)
{
    if (self->begun && !self->ended) {
        play_end(self->play);
        at_work = NULL;
    }
    self->ended = true;
}

EXPORT void vdifault_play_free(struct vdifault_play *self)
{
    if (self != NULL) {
        snprintf(self->outcome.deviation, sizeof self->outcome.deviation,
                 "given up"); /* nobody looks any more */
        end(self);
        play_free(self->play);
        free(self->text);
        free(self);
    }
}

/* ---- what is wrong ---- */

static const char *told(const struct vdifault_play *self)
{
    return self->wrong[0] != '\0' ? self->wrong : NULL;
}

__attribute__((format(printf, 2, 3))) static const char *tell(struct vdifault_play *self, const char *format,
                                                              ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->wrong, sizeof self->wrong, format, arguments);
    va_end(arguments);
    return self->wrong;
}

/* That a line's call has not given what the line expects. `made` and not `returned`: it is out. */
static void check_expected(struct vdifault_play *self, uint32_t index)
{
    struct scenario_line line = self->scenario.lines[index];
    char text[LINE_TEXT_MAX], due_text[MODEL_RESULT_TEXT], got_text[MODEL_RESULT_TEXT];
    int32_t due, got = self->outcome.results[index];
    bool truth = scenario_verb_info(line.verb)->gives == SCENARIO_RESULT_TRUTH;
    bool made = self->outcome.made[index];
    if (!scenario_expected(&line, &due) || (made && got == due)) {
        return;
    }
    const char *due_word = truth ? (due != 0 ? "TRUE" : "FALSE") : model_result_name(due, due_text);
    const char *got_word = truth ? (got != 0 ? "TRUE" : "FALSE") : model_result_name(got, got_text);
    line.expects = 0;
    scenario_print_line(&line, text, sizeof text);
    tell(self, "line %u, %s: %s%s; the scenario expects %s", (unsigned)index + 1, text,
         made                                ? "it gave "
         : (line.flags & SCENARIO_ENDS) != 0 ? "it has not returned"
                                             : "there was nothing to call, or its actor waits",
         made ? got_word : "", due_word);
}

/* ---- lines ---- */

/* Adds the text to what there is, as a line or lines of its own. */
static const char *append(struct vdifault_play *self, const char *added)
{
    struct fault_error error;
    uint32_t line = 0;
    size_t more = strlen(added);
    char *text = realloc(self->text, self->length + more + 1);
    if (text == NULL) {
        return tell(self, "no memory");
    }
    memcpy(text + self->length, added, more);
    text[self->length + more] = '\n';
    self->text = text;
    if (scenario_parse(text, self->length + more + 1, &self->parsed, NULL, &error, &line) != 0) {
        return tell(self, "'%s': column %zu: %s", added, error.offset + 1, error.message);
    }
    bool setting = memcmp(&self->parsed, &self->scenario, offsetof(struct scenario, line_count)) != 0;
    if (self->begun && setting) {
        return tell(self, "'%s': it is a setting, expected before the first call", added);
    }
    self->scenario = self->parsed;
    self->length += more + 1;
    return NULL;
}

static void play_one(struct vdifault_play *self, uint32_t index)
{
    if (!self->begun) {
        unsetenv("VDI_DIALECT");
        play_begin(self->play, &self->scenario, &self->outcome);
        self->begun = true;
        at_work = self;
    }
    play_next(self->play, index);
    if (self->outcome.deviation[0] != '\0') {
        tell(self, "%s", self->outcome.deviation);
    } else {
        check_expected(self, index);
    }
}

EXPORT const char *vdifault_play_lines(struct vdifault_play *self, const char *text)
{
    if (told(self) != NULL) {
        return self->wrong;
    }
    if (self->ended) {
        return tell(self, "'%s': it comes after the end", text);
    }
    if (at_work != NULL && at_work != self) {
        return tell(self, "'%s': another play has not come to its end: expected one at a time", text);
    }
    if (append(self, text) != NULL) {
        return self->wrong;
    }
    while (self->played < self->scenario.line_count && told(self) == NULL) {
        play_one(self, self->played++);
    }
    return told(self);
}

EXPORT const char *vdifault_play_end(struct vdifault_play *self)
{
    end(self);
    if (told(self) == NULL && self->outcome.deviation[0] != '\0') {
        tell(self, "%s", self->outcome.deviation);
    }
    return told(self);
}
