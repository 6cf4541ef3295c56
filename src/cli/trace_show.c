/* trace_show.c - see trace_show.h. */
#include "trace_show.h"

#include "verdict.h"

int trace_show(FILE *out, const struct trace_loaded *loaded, const struct trace_filter *filter,
               int (*printer)(FILE *out, const struct trace_print *print), bool judged)
{
    static const struct judgement nothing;
    struct checker *checker = NULL;
    const struct judgement *judgement = &nothing;
    int error = judged ? verdict_judge(&loaded->plan, &loaded->session, &checker, &judgement) : 0;
    struct report_input input = {
        .judgement = judgement,
        .plan = &loaded->plan,
        .events = loaded->session.record.events,
        .event_count = loaded->session.record.count,
        .events_dropped = loaded->session.lost,
        .client_argc = loaded->options.client_argc,
        .client_argv = loaded->options.client_argv,
        .wall_ms = loaded->session.wall_ms,
    };
    struct trace_print to_print = {
        .input = &input, .filter = *filter, .started = loaded->started, .dialect = loaded->dialect};
    if (error == 0) {
        error = printer(out, &to_print);
    }
    checker_free(checker);
    return error;
}
