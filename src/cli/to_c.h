/* to_c.h - C that is written for people to keep: comments, strings, names, and the frame of a cmocka test.
 *
 * What is written compiles as C17 with -Wall -Wextra -Werror, whatever the texts are. Not responsible for: what the test
 * does, and in which file. Errors: of the stream, for the caller to ask for. Pure otherwise.
 */
#ifndef VDIFAULT_TO_C_H
#define VDIFAULT_TO_C_H

#include <stddef.h>
#include <stdio.h>

/* As a literal, with its quotes. */
void to_c_string(FILE *out, const char *text);

/* A paragraph of the comment at the top, or a comment of its own inside of a function: broken between words, and nothing
 * in the text can end it. Blanks at the beginning of a paragraph are in front of each of its lines. */
void to_c_paragraph(FILE *out, const char *text);
void to_c_comment(FILE *out, const char *text);

/* A name of a function: letters, digits and '_', with '_' for each row of others. `name` is cut to its size. */
void to_c_name(const char *text, char *name, size_t size);

/* What cmocka.h needs before it, alarm()'s unistd.h, and cmocka.h. */
void to_c_includes(FILE *out);

/* main, with the functions `setup` and `teardown` around the test `name`. */
void to_c_main(FILE *out, const char *name);

#endif
