/* examples.c - see examples.h. */
#include "examples.h"

#include <errno.h>
#include <string.h>

const char *const example_kind_names[] = {[EXAMPLE_WRONG] = "wrong", [EXAMPLE_RIGHT] = "right"};

static const char mark[] = "//! ";

static bool is_equal(struct example_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.text, word, text.length) == 0;
}

/* The word at `*at`, which is advanced behind it and the blanks after it. */
static struct example_text take_word(const char **at)
{
    struct example_text word = {*at, strcspn(*at, " :\n")};

    *at += word.length;
    *at += strspn(*at, " ");
    return word;
}

static int read_kind(struct example_text word, enum example_kind *kind)
{
    for (int i = 0; i < EXAMPLE_KINDS; i++) {
        if (is_equal(word, example_kind_names[i])) {
            *kind = (enum example_kind)i;
            return 0;
        }
    }
    return EINVAL;
}

/* The first line of a section, which `*at` is advanced behind. */
static int read_first_line(const char **at, struct example *example)
{
    *at += sizeof mark - 1;
    example->rule = take_word(at);
    if (example->rule.length == 0 || read_kind(take_word(at), &example->kind) != 0) {
        return EINVAL;
    }
    if (**at == ':') {
        *at += 1;
        *at += strspn(*at, " ");
        example->remark = (struct example_text){*at, strcspn(*at, "\n")};
        *at += example->remark.length;
    }
    return **at == '\n' ? 0 : EINVAL;
}

/* The first line with the mark at or behind `text`, or the end of the text. */
static const char *find_mark(const char *text)
{
    while (*text != '\0' && strncmp(text, mark, sizeof mark - 1) != 0) {
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    return text;
}

static struct example_text trim(const char *from, const char *end)
{
    while (from < end && *from == '\n') {
        from++;
    }
    while (end > from + 1 && end[-1] == '\n' && end[-2] == '\n') {
        end--;
    }
    return (struct example_text){from, (size_t)(end - from)};
}

int example_next(const char **text, struct example *example)
{
    const char *start = find_mark(*text), *code = start;
    const char *end;

    *text = start;
    *example = (struct example){0};
    if (*start == '\0') {
        return ENOENT;
    }
    if (read_first_line(&code, example) != 0) {
        return EINVAL;
    }
    end = find_mark(code);
    example->code = trim(code, end);
    *text = end;
    return 0;
}

int example_find(const char *rule, enum example_kind kind, struct example *example)
{
    const char *text = rule_examples_text;
    int error;

    while ((error = example_next(&text, example)) == 0) {
        if (example->kind == kind && is_equal(example->rule, rule)) {
            return 0;
        }
    }
    return error;
}

bool example_is_definitions(const struct example *example)
{
    static const char start[] = "static ";

    return example->code.length > sizeof start && memcmp(example->code.text, start, sizeof start - 1) == 0;
}
