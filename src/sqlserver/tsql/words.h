/* words.h - the words of T-SQL that need telling apart: reserved ones, statements, settings. */
#ifndef VDIFAULT_WORDS_H
#define VDIFAULT_WORDS_H

#include <stdbool.h>

bool tsql_word_is_reserved(const char *word); /* cannot be a name without brackets: message 156, not 102 */
bool tsql_word_starts_other(
    const char *word); /* starts a statement that the simulated server does not carry out */
bool tsql_word_starts_carried(const char *word); /* starts one that it does */
bool tsql_word_is_setting(const char *word);     /* SET <word> ...: a session setting without effect here */

#endif
