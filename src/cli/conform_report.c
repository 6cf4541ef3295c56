/* conform_report.c - the table, what differs, the readings. */
#include "conform_report.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

static const struct {
    const char *word; /* in the table, and in JSON */
    const char *color;
    const char *heading; /* of the list below; NULL: not listed */
} verdicts[] = {
    [CONFORM_OK] = {"ok", "\033[32m", NULL},
    [CONFORM_OPEN] = {"open", "\033[36m", "the documents are silent, and it does not do as we do:"},
    [CONFORM_UNKNOWN] = {"?", "\033[33m", "not determined:"},
    [CONFORM_DIFFERS] = {"DIFFERS", "\033[1;31m", "differs:"},
};

/* ---- text ---- */

static void print_table(FILE *out, const struct conform_result *result, bool color)
{
    size_t columns;
    const enum model_state *states = model_states(MODEL_CLIENT, &columns);
    fprintf(out, "%-21s", "");
    for (size_t i = 0; i < columns; i++) {
        fprintf(out, "%-*s", (int)strlen(model_state_name(states[i])) + 2, model_state_name(states[i]));
    }
    fprintf(out, "\n");
    for (enum model_function function = 0; function < MODEL_SERVER_Open; function++) {
        fprintf(out, "%-21s", model_function_name(function));
        for (size_t i = 0; i < columns; i++) {
            enum conform_verdict verdict = conform_cell(result, function, states[i]);
            fprintf(out, "%s%-*s%s", color ? verdicts[verdict].color : "",
                    (int)strlen(model_state_name(states[i])) + 2, verdicts[verdict].word,
                    color ? "\033[0m" : "");
        }
        fprintf(out, "\n");
    }
}

static const char *basis_text(const struct client_case *one, char text[32])
{
    const struct model_cell *cell = model_cell(one->function, one->state);
    if (one->outcome->ours || cell->basis == MODEL_OURS) {
        return "ours";
    }
    if (cell->basis == MODEL_CONTRADICTED) {
        snprintf(text, 32, "X%u", (unsigned)cell->contradiction);
        return text;
    }
    return cell->basis == MODEL_SOURCED ? "sourced" : "derived";
}

static void print_row(FILE *out, const struct conform_row *row)
{
    char text[32];
    const char *when = model_situation_text(row->one.outcome->situation);
    fprintf(out, "  %s in %s%s%s%s\n", model_function_name(row->one.function),
            model_state_name(row->one.state), when[0] != '\0' ? " (" : "", when, when[0] != '\0' ? ")" : "");
    if (row->verdict == CONFORM_UNKNOWN) {
        fprintf(out, "      %s\n", row->got);
    } else {
        fprintf(out, "      expected %s (%s), got: %s\n", row->expected, basis_text(&row->one, text),
                row->got);
    }
}

static void print_list(FILE *out, const struct conform_result *result, enum conform_verdict verdict)
{
    if (result->verdicts[verdict] == 0) {
        return;
    }
    fprintf(out, "\n%s\n", verdicts[verdict].heading);
    for (size_t i = 0; i < result->count; i++) {
        if (result->rows[i].verdict == verdict) {
            print_row(out, &result->rows[i]);
        }
    }
}

static const char *reading_word(const struct conform_result *result, enum model_dialect dialect)
{
    switch (result->readings[dialect]) {
    case CONFORM_USUAL:
        return model_dialect_usual(dialect);
    case CONFORM_OTHER:
        return model_dialect_word(dialect);
    default:
        return NULL;
    }
}

/* The other readings it takes, as a value of VDI_DIALECT. */
static void print_dialect(FILE *out, const struct conform_result *result)
{
    const char *before = "  (our library does the same with VDI_DIALECT=";
    for (enum model_dialect d = MODEL_NO_DIALECT + 1; d < MODEL_DIALECT_UNOFFERED; d++) {
        if (result->readings[d] == CONFORM_OTHER) {
            fprintf(out, "%s%s", before, model_dialect_word(d));
            before = ",";
        }
    }
    fputs(before[0] == ',' ? ")\n" : "", out);
}

static void print_readings(FILE *out, const struct conform_result *result)
{
    fprintf(out, "\nreadings of what the documents contradict:\n");
    for (enum model_dialect d = MODEL_NO_DIALECT + 1; d < MODEL_DIALECT_UNOFFERED; d++) {
        const char *word = reading_word(result, d);
        bool usual = result->readings[d] == CONFORM_USUAL;
        fprintf(out, "  %-8s %-25s %s\n", model_dialect_label(d), word != NULL ? word : "not determined",
                word != NULL ? model_dialect_text(d, usual) : "");
    }
    print_dialect(out, result);
}

void conform_print(FILE *out, const struct conform_result *result, const char *library, const char *server,
                   bool color)
{
    fprintf(out, "library  %s\nserver   %s\n\n", library, server);
    print_table(out, result, color);
    print_list(out, result, CONFORM_DIFFERS);
    print_list(out, result, CONFORM_OPEN);
    print_list(out, result, CONFORM_UNKNOWN);
    print_readings(out, result);
    fprintf(out, "\n%zu cases: %zu ok, %zu differ, %zu open, %zu not determined\n", result->count,
            result->verdicts[CONFORM_OK], result->verdicts[CONFORM_DIFFERS], result->verdicts[CONFORM_OPEN],
            result->verdicts[CONFORM_UNKNOWN]);
}

/* ---- JSON ---- */

static json_t *case_value(const struct conform_row *row)
{
    char text[32];
    const char *when = model_situation_text(row->one.outcome->situation);
    return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:s, s:s?}", "function",
                     model_function_name(row->one.function), "state", model_state_name(row->one.state),
                     "situation", when[0] != '\0' ? when : NULL, "basis", basis_text(&row->one, text),
                     "verdict",
                     row->verdict == CONFORM_UNKNOWN ? "not determined" : verdicts[row->verdict].word,
                     "expected", row->expected, "got", row->got[0] != '\0' ? row->got : NULL);
}

static json_t *cases_value(const struct conform_result *result)
{
    json_t *cases = json_array();
    for (size_t i = 0; i < result->count; i++) {
        json_array_append_new(cases, case_value(&result->rows[i]));
    }
    return cases;
}

static json_t *readings_value(const struct conform_result *result)
{
    json_t *readings = json_array();
    for (enum model_dialect d = MODEL_NO_DIALECT + 1; d < MODEL_DIALECT_UNOFFERED; d++) {
        json_array_append_new(
            readings, json_pack("{s:s, s:s?, s:b}", "contradiction", model_dialect_label(d), "reading",
                                reading_word(result, d), "default", result->readings[d] == CONFORM_USUAL));
    }
    return readings;
}

int conform_write_json(FILE *out, const struct conform_result *result, const char *library,
                       const char *server, int exit_status)
{
    json_t *report = json_pack(
        "{s:i, s:s, s:s, s:i, s:o, s:o, s:{s:i, s:i, s:i, s:i, s:i}}", "schema", 1, "library", library,
        "server", server, "exit", exit_status, "cases", cases_value(result), "readings",
        readings_value(result), "summary", "cases", (int)result->count, "ok",
        (int)result->verdicts[CONFORM_OK], "differ", (int)result->verdicts[CONFORM_DIFFERS], "open",
        (int)result->verdicts[CONFORM_OPEN], "not_determined", (int)result->verdicts[CONFORM_UNKNOWN]);
    if (report == NULL) {
        return ENOMEM;
    }
    int error =
        json_dumpf(report, out, JSON_INDENT(1)) == 0 && fputc('\n', out) != EOF && fflush(out) == 0 ? 0 : EIO;
    json_decref(report);
    return error;
}
