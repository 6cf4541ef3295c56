/* promise.h - what a fuzz target holds the code to: a broken promise ends the process, which every engine reports. */
#ifndef VDIFAULT_FUZZ_PROMISE_H
#define VDIFAULT_FUZZ_PROMISE_H

#include <stdio.h>
#include <stdlib.h>

#define PROMISE(condition)                                                                  \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                        \
        }                                                                                   \
    } while (0)

#endif
