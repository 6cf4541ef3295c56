/* suppress.c - see suppress.h. */
#include "suppress.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "near.h"

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* '*' is the only character that means something: names hold brackets and question marks, too. */
static bool matches(const char *pattern, const char *text, bool any_case)
{
    const char *star = NULL, *retry = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == *text || (any_case && same_letter(*pattern, *text))) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    pattern += strspn(pattern, "*");
    return *pattern == '\0';
}

static int check_rule(const char *pattern, char *why, size_t size)
{
    struct near_word near;
    char hint[96];

    near_start(&near, pattern, strlen(pattern));
    for (size_t i = 0; i < rule_count; i++) {
        if (matches(pattern, rule_table[i].id, true)) {
            return 0;
        }
        near_offer(&near, rule_table[i].id);
    }
    snprintf(why, size, "unknown rule '%s'%s", pattern, near_text(&near, hint, sizeof hint));
    return EINVAL;
}

static void free_suppression(struct suppression *suppression)
{
    free(suppression->text);
    free(suppression->rule);
    free(suppression->where);
}

/* Takes the entry apart. */
static int parse(const char *entry, struct suppression *suppression, char *why, size_t size)
{
    static const char module[] = "module:";
    const char *at = strchr(entry, '@');
    int result;

    suppression->text = strdup(entry);
    suppression->rule = at ? strndup(entry, (size_t)(at - entry)) : strdup(entry);
    if (!suppression->text || !suppression->rule) {
        return ENOMEM;
    }
    result = check_rule(suppression->rule, why, size);
    if (result || !at) {
        return result;
    }
    at++;
    suppression->is_module = strncmp(at, module, strlen(module)) == 0;
    at += suppression->is_module ? strlen(module) : 0;
    if (*at == '\0') {
        snprintf(why, size, "expected a function or module:NAME after '@'");
        return EINVAL;
    }
    suppression->where = strdup(at);
    return suppression->where ? 0 : ENOMEM;
}

int suppressions_add(struct suppressions *suppressions, const char *entry, char *why, size_t size)
{
    struct suppression added = {0};
    struct suppression *grown;
    int result = parse(entry, &added, why, size);

    if (result) {
        free_suppression(&added);
        return result;
    }
    grown = realloc(suppressions->list, (suppressions->count + 1) * sizeof *grown);
    if (!grown) {
        free_suppression(&added);
        return ENOMEM;
    }
    suppressions->list = grown;
    suppressions->list[suppressions->count++] = added;
    return 0;
}

/* Blanks around and the comment go. */
static char *trim(char *line)
{
    char *start = line + strspn(line, " \t\r\n");
    char *end = start + strlen(start);

    for (char *at = start; *at; at++) {
        if (*at == '#' && (at == start || at[-1] == ' ' || at[-1] == '\t')) {
            end = at;
            break;
        }
    }
    while (end > start && strchr(" \t\r\n", end[-1])) {
        end--;
    }
    *end = '\0';
    return start;
}

int suppressions_read(struct suppressions *suppressions, FILE *file, const char *name, char *why, size_t size)
{
    char line[SUPPRESSION_MAX], reason[256] = "";
    uint32_t number = 0;
    int result = 0;

    while (result == 0 && fgets(line, sizeof line, file)) {
        bool whole = strchr(line, '\n') || feof(file);
        char *entry = trim(line);

        number++;
        if (!whole) {
            snprintf(reason, sizeof reason, "the line is too long");
            result = EINVAL;
        } else if (*entry) {
            result = suppressions_add(suppressions, entry, reason, sizeof reason);
        }
        if (result == 0 && *entry) {
            suppressions->list[suppressions->count - 1].file = name;
            suppressions->list[suppressions->count - 1].line = number;
        }
    }
    if (result) {
        snprintf(why, size, "line %u: %s", number, result == ENOMEM ? "no memory" : reason);
    } else if (ferror(file)) {
        snprintf(why, size, "cannot be read");
        result = EINVAL;
    }
    return result;
}

void suppressions_free(struct suppressions *suppressions)
{
    for (size_t i = 0; i < suppressions->count; i++) {
        free_suppression(&suppressions->list[i]);
    }
    free(suppressions->list);
    *suppressions = (struct suppressions){0};
}

/* ---- findings ---- */

static bool is_there(const struct suppression *suppression, const struct finding *finding,
                     const struct frames *frames)
{
    if (!suppression->is_module && finding->function > VDI_FN_NONE && finding->function < VDI_FN_COUNT &&
        matches(suppression->where, vdi_function_names[finding->function], false)) {
        return true;
    }
    for (size_t i = 0; i < frames->count; i++) {
        const char *name = suppression->is_module ? frames->at[i]->module : frames->at[i]->function;

        if (name && matches(suppression->where, name, false)) {
            return true;
        }
    }
    return false;
}

static bool is_ignored(struct suppressions *suppressions, struct symbols *symbols,
                       const struct finding *finding)
{
    struct frames frames;
    bool read = false;

    for (size_t i = 0; i < suppressions->count; i++) {
        struct suppression *suppression = &suppressions->list[i];

        if (!matches(suppression->rule, finding->rule->id, true)) {
            continue;
        }
        if (suppression->where && !read) {
            frames_read(symbols, finding->stack, &frames);
            read = true;
        }
        if (!suppression->where || is_there(suppression, finding, &frames)) {
            suppression->used++;
            return true;
        }
    }
    return false;
}

size_t suppressions_apply(struct suppressions *suppressions, struct symbols *symbols,
                          struct finding *findings, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_ignored(suppressions, symbols, &findings[i])) {
            findings[kept++] = findings[i];
        }
    }
    return kept;
}

void suppression_for(struct symbols *symbols, const struct finding *finding, char *text, size_t size)
{
    struct frames frames;
    const struct symbols_place *own;

    frames_read(symbols, finding->stack, &frames);
    own = frames_own(&frames);
    if (own) {
        snprintf(text, size, "%s@%s", finding->rule->id, own->function);
    } else if (frames.count > 0 && strcmp(frames.at[0]->module, "?") != 0) {
        snprintf(text, size, "%s@module:%s", finding->rule->id, frames.at[0]->module);
    } else {
        snprintf(text, size, "%s", finding->rule->id);
    }
}
