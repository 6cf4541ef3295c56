/* tds_check.h - shared by the tests of TDS: UTF-16 for the wire, and what a refusal says. */
#ifndef VDIFAULT_TESTS_TDS_CHECK_H
#define VDIFAULT_TESTS_TDS_CHECK_H

// clang-format off
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

#include "bytes.h"

static inline void put_wide(struct tds_buffer *buffer, const char *text)
{
    tds_put_text(buffer, text, SIZE_MAX);
}

/* Refused, and the line has that in it. */
#define assert_refused(call, error, words)                           \
    do {                                                             \
        (error).text[0] = '\0';                                      \
        assert_int_equal(call, EPROTO);                              \
        if (strstr((error).text, words) == NULL)                     \
            fail_msg("'%s' does not say '%s'", (error).text, words); \
    } while (0)

#endif
