/* examples.h - the wrong and the right code example of each rule, for `vdifault explain`.
 *
 * The examples are written in src/rules/examples/GROUP.c.in, a section each:
 *
 *   //! VDI-CLOSE-001 wrong: what is wrong with it, where the code does not say so itself
 *   code
 *
 * Code that starts with "static" is one or more definitions, other code the statements of a function that
 * returns an exit status; what it takes for given is in src/rules/examples/prelude.h. A wrong section may have a remark
 * and no code: the remark then says why there is nothing to show. A test compiles every section.
 *
 * Responsible for: finding a section in the text. Nothing is allocated; what is returned points into constant
 * text, not NUL-terminated. Any thread.
 */
#ifndef VDIFAULT_EXAMPLES_H
#define VDIFAULT_EXAMPLES_H

#include <stdbool.h>
#include <stddef.h>

enum example_kind {
    EXAMPLE_WRONG,
    EXAMPLE_RIGHT,
    EXAMPLE_KINDS
};
extern const char *const example_kind_names[EXAMPLE_KINDS];

struct example_text {
    const char *text;
    size_t length; /* 0: there is none */
};

struct example {
    struct example_text rule;
    enum example_kind kind;
    struct example_text remark; /* one line */
    struct example_text code;   /* whole lines, without empty ones at its ends */
};

/* The next section of `*text`, which is advanced behind it. 0; ENOENT: no more; EINVAL: *text is at a section whose
 * first line is not as above. */
int example_next(const char **text, struct example *example);

/* The section of a rule, by its id as it is in the rule table. 0 or ENOENT. */
int example_find(const char *rule, enum example_kind kind, struct example *example);

/* Whether the code is definitions, not the statements of a function. */
bool example_is_definitions(const struct example *example);

/* All sections, NUL-terminated. */
extern const char rule_examples_text[];

#endif
