/* near.c - Levenshtein distance over short words. See near.h. */
#include "near.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Without regard to case: 'write' is as near to 'Write' as can be. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t row[NEAR_WORD_MAX + 1];
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t above = row[j];
            size_t same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]) ? 0 : 1;
            row[j] = smaller(smaller(above, row[j - 1]) + 1, diagonal + same);
            diagonal = above;
        }
    }
    return row[b_length];
}

void near_start(struct near_word *near, const char *word, size_t length)
{
    /* A third of the word may be wrong; beyond that a suggestion is a guess. */
    *near = (struct near_word){.word = word, .length = length, .best_distance = length / 3 + 2};
}

void near_offer(struct near_word *near, const char *candidate)
{
    size_t length = candidate == NULL ? 0 : strlen(candidate);
    if (length == 0 || length > NEAR_WORD_MAX || near->length == 0 || near->length > NEAR_WORD_MAX) {
        return;
    }
    size_t d = distance(near->word, near->length, candidate, length);
    if (d < near->best_distance) {
        near->best_distance = d;
        near->best = candidate;
    }
}

const char *near_text(const struct near_word *near, char *text, size_t size)
{
    text[0] = '\0';
    if (near->best != NULL) {
        snprintf(text, size, ": did you mean '%s'?", near->best);
    }
    return text;
}
