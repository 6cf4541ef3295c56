/* fault_files.c - faults of the client's own files: which errno each gives. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fault_internal.h"

static const struct {
    const char *name;
    int error;
} names[] = {
    {"ENOSPC", ENOSPC}, {"EIO", EIO},     {"EDQUOT", EDQUOT}, {"EFBIG", EFBIG},   {"EACCES", EACCES},
    {"EMFILE", EMFILE}, {"EROFS", EROFS}, {"ESTALE", ESTALE}, {"ENODEV", ENODEV}, {"ENOMEM", ENOMEM},
};

int fault_errno(const struct fault *fault)
{
    const struct fault_arg_info *arg = fault_table[fault->kind].args;
    while (arg->type != 0 && arg->arg != FAULT_ARG_ERRNO) {
        arg++;
    }
    size_t length = 0;
    const char *word =
        arg->type != 0 ? fault_value_word(arg->values, fault->arg[FAULT_ARG_ERRNO], &length) : NULL;
    for (size_t i = 0; word != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i].name) == length && memcmp(names[i].name, word, length) == 0) {
            return names[i].error;
        }
    }
    assert(word == NULL); /* a row's choices are names of the table */
    return EIO;
}
