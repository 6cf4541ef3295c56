/* conform_judge.c - see conform_judge.h. */
#include "conform_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool has_result(const struct conform_row *row)
{
    return row->run.end != CONFORM_UNLOADABLE && row->run.seen.reached && row->run.seen.phase >= CASE_PROBING;
}

/* ---- readings ---- */

static enum conform_reading reading_of(const struct conform_row *row)
{
    const struct model_outcome *outcome = row->one.outcome;
    int32_t result = row->run.seen.result;
    if (outcome->dialect == MODEL_DIALECT_TIMEOUT_UNIT) {
        return result != VD_E_TIMEOUT                       ? CONFORM_UNTOLD
               : row->run.seen.elapsed_ms >= CASE_SECOND_MS ? CONFORM_OTHER
                                                            : CONFORM_USUAL;
    }
    return result == outcome->result         ? CONFORM_USUAL
           : result == outcome->other_result ? CONFORM_OTHER
                                             : CONFORM_UNTOLD;
}

/* Most of its cases decide; the others then differ. */
static enum conform_reading take_reading(const struct conform_result *result, enum model_dialect dialect)
{
    size_t votes[CONFORM_OTHER + 1] = {0};
    for (size_t i = 0; i < result->count; i++) {
        const struct conform_row *row = &result->rows[i];
        if (row->one.outcome->dialect == dialect && has_result(row)) {
            votes[reading_of(row)]++;
        }
    }
    return votes[CONFORM_OTHER] > votes[CONFORM_USUAL] ? CONFORM_OTHER
           : votes[CONFORM_USUAL] > 0                  ? CONFORM_USUAL
                                                       : CONFORM_UNTOLD;
}

static uint32_t take_readings(struct conform_result *result)
{
    uint32_t dialects = 0;
    for (enum model_dialect d = MODEL_NO_DIALECT + 1; d < MODEL_DIALECT_UNOFFERED; d++) {
        result->readings[d] = take_reading(result, d);
        dialects |= (uint32_t)(result->readings[d] == CONFORM_OTHER) << d;
    }
    return dialects;
}

/* ---- cells ---- */

static enum model_state next_state(const struct conform_row *row, uint32_t dialects)
{
    enum model_state next = model_next(row->one.outcome, dialects);
    return next == MODEL_STAY ? row->one.state : next;
}

/* A call that itself does not do as it should in this state proves nothing about the state. */
static bool cell_is_wrong(const struct conform_result *result, enum model_function function,
                          enum model_state state, uint32_t dialects)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct conform_row *row = &result->rows[i];
        if (row->one.function != function || row->one.state != state) {
            continue;
        }
        if (row->run.end != CONFORM_UNLOADABLE && row->run.seen.phase == CASE_CALLING) {
            return true;
        }
        if (has_result(row) && row->run.seen.result != model_result(row->one.outcome, dialects)) {
            return true;
        }
    }
    return false;
}

static enum conform_verdict tell(struct conform_row *row, enum conform_verdict verdict, const char *format,
                                 ...) __attribute__((format(printf, 3, 4)));
static enum conform_verdict tell(struct conform_row *row, enum conform_verdict verdict, const char *format,
                                 ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row->got, sizeof row->got, format, arguments);
    va_end(arguments);
    return verdict;
}

/* How a case that did not come to its end ended. */
static const char *end_text(const struct conform_run *run, char text[64])
{
    if (run->end == CONFORM_HUNG) {
        snprintf(text, 64, "did not return in time");
    } else if (run->signal != 0) {
        snprintf(text, 64, "died of signal %d (%s)", run->signal, strsignal(run->signal));
    } else {
        snprintf(text, 64, "ended the process");
    }
    return text;
}

static enum conform_verdict judge_unfinished(const struct conform_result *result, struct conform_row *row,
                                             uint32_t dialects)
{
    const struct case_observation *seen = &row->run.seen;
    char end[64];
    end_text(&row->run, end);
    switch (seen->phase) {
    case CASE_REACHING:
        return tell(row, CONFORM_UNKNOWN, "on the way there %s %s", seen->step != NULL ? seen->step : "it",
                    end);
    case CASE_CALLING:
        if (client_case_is_beyond_documents(&row->one)) {
            return tell(
                row, CONFORM_UNKNOWN,
                "it %s; the call was on a device of an earlier life of the set, which no document covers",
                end);
        }
        return tell(row, CONFORM_DIFFERS, "it %s", end);
    default:
        if (cell_is_wrong(result, seen->probing, next_state(row, dialects), dialects)) {
            return CONFORM_OK;
        }
        return tell(row, CONFORM_DIFFERS, "the result is right, but %s then %s",
                    model_function_name(seen->probing), end);
    }
}

static enum conform_verdict judge_finished(const struct conform_result *result, struct conform_row *row,
                                           uint32_t dialects)
{
    const struct case_observation *seen = &row->run.seen;
    enum model_state next = next_state(row, dialects);
    char text[MODEL_RESULT_TEXT];
    uint32_t untrusted = 0;
    uint32_t probe = 0;
    for (uint32_t i = 0; i < seen->probe_count; i++) {
        untrusted |= (uint32_t)cell_is_wrong(result, seen->probes[i].function, next, dialects) << i;
    }
    switch (client_case_judge(&row->one, seen, dialects, untrusted, &probe)) {
    case CASE_OK:
        return CONFORM_OK;
    case CASE_WRONG_RESULT:
        return tell(row, CONFORM_DIFFERS, "%s", model_result_name(seen->result, text));
    case CASE_WRONG_POINTER:
        return tell(row, CONFORM_DIFFERS, "%s, but the pointer it left is not NULL",
                    model_result_name(seen->result, text));
    default:
        return tell(row, CONFORM_DIFFERS, "the result is right, but then %s gives %s",
                    model_function_name(seen->probes[probe].function),
                    model_result_name(seen->probes[probe].result, text));
    }
}

static bool is_ours(const struct client_case *one)
{
    return one->outcome->ours || model_cell(one->function, one->state)->basis == MODEL_OURS;
}

static void judge_row(const struct conform_result *result, struct conform_row *row, uint32_t dialects)
{
    char text[MODEL_RESULT_TEXT];
    enum model_state next = model_next(row->one.outcome, dialects);
    snprintf(row->expected, sizeof row->expected, "%s%s%s",
             model_result_name(model_result(row->one.outcome, dialects), text),
             next == MODEL_STAY ? "" : " -> ", next == MODEL_STAY ? "" : model_state_name(next));
    row->got[0] = '\0';
    if (row->run.end == CONFORM_UNLOADABLE) {
        row->verdict = tell(row, CONFORM_UNKNOWN, "%.200s", row->run.text);
    } else if (row->run.seen.phase != CASE_DONE) {
        row->verdict = judge_unfinished(result, row, dialects);
    } else if (!row->run.seen.reached) {
        row->verdict = tell(row, CONFORM_UNKNOWN, "%s", row->run.seen.why);
    } else {
        row->verdict = judge_finished(result, row, dialects);
    }
    if (row->verdict == CONFORM_DIFFERS && is_ours(&row->one)) {
        row->verdict = CONFORM_OPEN;
    }
}

void conform_judge(struct conform_result *result)
{
    uint32_t dialects = take_readings(result);
    memset(result->verdicts, 0, sizeof result->verdicts);
    for (size_t i = 0; i < result->count; i++) {
        judge_row(result, &result->rows[i], dialects);
        result->verdicts[result->rows[i].verdict]++;
    }
}

enum conform_verdict conform_cell(const struct conform_result *result, enum model_function function,
                                  enum model_state state)
{
    enum conform_verdict gravest = CONFORM_OK;
    for (size_t i = 0; i < result->count; i++) {
        const struct conform_row *row = &result->rows[i];
        if (row->one.function == function && row->one.state == state && row->verdict > gravest) {
            gravest = row->verdict;
        }
    }
    return gravest;
}
