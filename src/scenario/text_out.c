/* text_out.c - see text_out.h. */
#include "text_out.h"

#include <stdarg.h>
#include <stdio.h>

void text_put(struct text_out *out, const char *format, ...)
{
    size_t at = out->used < out->size ? out->used : out->size;
    va_list arguments;
    va_start(arguments, format);
    out->used += (size_t)vsnprintf(at < out->size ? out->text + at : NULL, out->size - at, format, arguments);
    va_end(arguments);
}
