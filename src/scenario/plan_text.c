/* plan_text.c - a plan as text of its own memory: for tools, not for what runs inside the client. */
#include <stdlib.h>

#include "plan.h"

char *plan_text(const struct plan *plan)
{
    int length = plan_format(plan, NULL, 0);
    char *text = length >= 0 ? malloc((size_t)length + 1) : NULL;
    if (text != NULL) {
        plan_format(plan, text, (size_t)length + 1);
    }
    return text;
}
