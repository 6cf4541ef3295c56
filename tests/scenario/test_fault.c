/* test_fault.c - the parser and printer of fault specifications (design 4.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "event.h"
#include "fault.h"
#include "vdi.h"
#include "vdierror.h"

struct good {
    const char *text;
    const char *canonical;
    struct fault fault;
};

/* A site on any device of the first operation. */
#define SITE(n, ...)                                      \
    {                                                     \
        .nth = n, .device = FAULT_DEVICE_ANY, __VA_ARGS__ \
    }

static const struct good good[] = {
    {"lost-close", "lost-close", {.kind = FAULT_LOST_CLOSE, .site = SITE(1, .function = VDI_FN_GET_COMMAND)}},
    {"lost-close@GetCommand",
     "lost-close",
     {.kind = FAULT_LOST_CLOSE, .site = SITE(1, .function = VDI_FN_GET_COMMAND)}},
    {"lost-close@GetCommand:0",
     "lost-close@GetCommand:0",
     {.kind = FAULT_LOST_CLOSE, .site = {.function = VDI_FN_GET_COMMAND, .nth = 1}}},
    {"lost-close@GetCommand#1:*/2",
     "lost-close@GetCommand:*/2",
     {.kind = FAULT_LOST_CLOSE,
      .site = {.function = VDI_FN_GET_COMMAND, .nth = 1, .device = FAULT_DEVICE_EACH, .operation = 2}}},
    {"early-close@CompleteCommand#3:1",
     "early-close@CompleteCommand#3:1",
     {.kind = FAULT_EARLY_CLOSE, .site = {.function = VDI_FN_COMPLETE_COMMAND, .nth = 3, .device = 1}}},
    {"early-close@OpenDevice#2",
     "early-close@OpenDevice#2",
     {.kind = FAULT_EARLY_CLOSE, .site = SITE(2, .function = VDI_FN_OPEN_DEVICE)}},
    {"early-close@Flush#last",
     "early-close@Flush#last",
     {.kind = FAULT_EARLY_CLOSE, .site = SITE(FAULT_NTH_LAST, .command = VDC_Flush)}},
    {"early-close@Flush#next",
     "early-close@Flush#next",
     {.kind = FAULT_EARLY_CLOSE, .site = SITE(FAULT_NTH_NEXT, .command = VDC_Flush)}},
    {"abort@Write", "abort@Write", {.kind = FAULT_ABORT, .site = SITE(1, .command = VDC_Write)}},
    {"abort(by=server,at=fetch)@Write#1:*",
     "abort@Write:*",
     {.kind = FAULT_ABORT, .site = {.command = VDC_Write, .nth = 1, .device = FAULT_DEVICE_EACH}}},
    {"  abort(at=complete,by=client)@Read#2+:63/255 ",
     "abort(by=client,at=complete)@Read#2+:63/255",
     {.kind = FAULT_ABORT,
      .arg[FAULT_ARG_BY] = FAULT_BY_CLIENT,
      .arg[FAULT_ARG_AT] = FAULT_AT_COMPLETE,
      .site = {.command = VDC_Read, .nth = 2, .and_later = true, .device = 63, .operation = 255}}},
    {"abort@Write#*",
     "abort@Write#*",
     {.kind = FAULT_ABORT, .site = SITE(1, .command = VDC_Write, .and_later = true)}},
    {"abort@Write#1+",
     "abort@Write#*",
     {.kind = FAULT_ABORT, .site = SITE(1, .command = VDC_Write, .and_later = true)}},
    {"unknown-command@Write#2",
     "unknown-command@Write#2",
     {.kind = FAULT_UNKNOWN_COMMAND, .arg[FAULT_ARG_CODE] = 99, .site = SITE(2, .command = VDC_Write)}},
    {"unknown-command(code=4711)@Complete",
     "unknown-command(code=4711)@Complete",
     {.kind = FAULT_UNKNOWN_COMMAND, .arg[FAULT_ARG_CODE] = 4711, .site = SITE(1, .command = VDC_Complete)}},
    {"unknown-command(code=5)@Write",
     "unknown-command(code=5)@Write",
     {.kind = FAULT_UNKNOWN_COMMAND, .arg[FAULT_ARG_CODE] = 5, .site = SITE(1, .command = VDC_Write)}},
    {"unknown-command(77)@Read#2",
     "unknown-command(code=77)@Read#2",
     {.kind = FAULT_UNKNOWN_COMMAND, .arg[FAULT_ARG_CODE] = 77, .site = SITE(2, .command = VDC_Read)}},
    {"abort(complete,client)@Write",
     "abort(by=client,at=complete)@Write",
     {.kind = FAULT_ABORT,
      .arg[FAULT_ARG_BY] = FAULT_BY_CLIENT,
      .arg[FAULT_ARG_AT] = FAULT_AT_COMPLETE,
      .site = SITE(1, .command = VDC_Write)}},
};

static void assert_same(const struct fault *a, const struct fault *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_memory_equal(a->arg, b->arg, sizeof(a->arg));
    assert_int_equal(a->site.function, b->site.function);
    assert_int_equal(a->site.command, b->site.command);
    assert_int_equal(a->site.nth, b->site.nth);
    assert_int_equal(a->site.and_later, b->site.and_later);
    assert_int_equal(a->site.device, b->site.device);
    assert_int_equal(a->site.operation, b->site.operation);
}

static void parses_and_prints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct fault fault, again;
        struct fault_error error;
        char text[FAULT_TEXT_MAX];
        if (fault_parse(good[i].text, &fault, &error) != 0) {
            fail_msg("'%s': %s", good[i].text, error.message);
        }
        assert_same(&fault, &good[i].fault);
        assert_int_equal(fault_format(&fault, text, sizeof(text)), strlen(good[i].canonical));
        assert_string_equal(text, good[i].canonical);
        assert_int_equal(fault_parse(text, &again, &error), 0);
        assert_same(&again, &fault);
    }
}

static const struct {
    const char *text;
    size_t offset;
    const char *message;
} bad[] = {
    {"erly-close", 0,
     "unknown fault kind 'erly-close': did you mean 'early-close'? (vdifault faults lists them)"},
    {"Lost-Close", 0,
     "unknown fault kind 'Lost-Close': did you mean 'lost-close'? (vdifault faults lists them)"},
    {"frobnicate@Write", 0, "unknown fault kind 'frobnicate' (vdifault faults lists them)"},
    {"", 0, "expected a fault kind such as 'early-close' (vdifault faults lists them)"},
    {" @Write", 1, "expected a fault kind such as 'early-close' (vdifault faults lists them)"},
    {"early-close", 11, "'early-close' needs a site, such as early-close@Write#2:0"},
    {"abort(by=client)", 16, "'abort' needs a site, such as abort@Write#2:0"},
    {"abort(bye=client)@Write", 6,
     "'abort' has no argument 'bye': did you mean 'by'? (it takes by=server|client, "
     "at=fetch|touch|complete)"},
    {"lost-close(by=client)", 11, "'lost-close' has no argument 'by' (it takes no arguments)"},
    {"abort(by=cliant)@Write", 9, "bad value 'cliant' for 'by': expected server|client"},
    {"abort(by=client,by=server)@Write", 16, "argument 'by' is given twice"},
    {"abort(by)@Write", 8, "expected '=' after 'by'"},
    {"abort(by=client@Write", 5, "'(' without its ')'"},
    {"abort(at=touch)@Flush", 16,
     "'abort' with at=touch needs a command that has a buffer: expected Read or Write"},
    {"unknown-command@ClearError", 16,
     "'unknown-command' cannot be placed at 'ClearError': expected another command"},
    {"unknown-command(code=x)@Write", 21, "bad value 'x' for 'code': expected a number from 0 to 2147483647"},
    {"unknown-command(code=2)@Write", 24,
     "'unknown-command' code=2 is VDC_Write: expected a code that is no command, or 4 to 11"},
    {"abort@Wriet", 6,
     "unknown site 'Wriet': did you mean 'Write'? (expected a VDI function, or a command without its VDC_ "
     "prefix)"},
    {"abort@VDC_Flush", 6,
     "unknown site 'VDC_Flush': did you mean 'Flush'? (expected a VDI function, or a command without its "
     "VDC_ "
     "prefix)"},
    {"early-close@getcommand", 12,
     "unknown site 'getcommand': did you mean 'GetCommand'? (expected a VDI function, or a command without "
     "its "
     "VDC_ prefix)"},
    {"abort@", 6, "unknown site '' (expected a VDI function, or a command without its VDC_ prefix)"},
    {"abort@Write#0", 12, "bad count '0': expected N, N+ (N from 1), 'last', 'next', 'next+' or '*'"},
    {"abort@Write#", 12, "bad count '': expected N, N+ (N from 1), 'last', 'next', 'next+' or '*'"},
    {"abort@Write#-1", 12, "bad count '-1': expected N, N+ (N from 1), 'last', 'next', 'next+' or '*'"},
    {"abort@Write#+", 12, "bad count '+': expected N, N+ (N from 1), 'last', 'next', 'next+' or '*'"},
    {"abort@Write#2*", 12, "bad count '2*': expected N, N+ (N from 1), 'last', 'next', 'next+' or '*'"},
    {"abort@Write#99999999999999999999", 12,
     "bad count '99999999999999999999': expected N, N+ (N from 1), 'last', 'next', 'next+' or '*'"},
    {"abort@Write:64", 12, "bad device '64': expected an index from 0 to 63, or '*'"},
    {"abort@Write:x", 12, "bad device 'x': expected an index from 0 to 63, or '*'"},
    {"abort@Write/256", 12, "bad operation '256': expected an index from 0 to 255"},
    {"abort@Write/", 12, "bad operation '': expected an index from 0 to 255"},
    {"lost-close/2", 10,
     "'/2' belongs to a site: expected it after '@SITE', such as lost-close@GetCommand/2"},
    {"late-failure(number=596)#1", 24,
     "'#1' belongs to a site: expected it after '@SITE', such as late-failure@Create#1"},
    {"abort#3", 5, "'abort' needs a site, such as abort@Write#2:0"},
    {"abort@Write and more", 12, "unexpected 'and more' after the fault"},
    {"abort@Create", 6,
     "'abort' cannot be placed at 'Create': expected GetConfiguration, OpenDevice, GetCommand, "
     "CompleteCommand, "
     "SignalAbort, Close, OpenInSecondary, GetBufferHandle, MapBufferHandle, RegisterDeviceClosed or a "
     "command"},
    {"abort(at=complete)@GetCommand", 19, "'abort' with at= needs a command: a call has but its entry"},
    {"abort@Close", 6, "'abort' at Close or SignalAbort is by=client: the server may be gone by then"},
    {"abort(by=client)@OpenInSecondary", 17,
     "'abort' at OpenInSecondary is by=server: the set is not open here yet"},
    {"late-close(ms=0)", 14, "bad value '0' for 'ms': expected a number from 1 to 3600000"},
    {"lost-close@Write", 11, "'lost-close' cannot be placed at 'Write': expected GetCommand"},
    {"lost-close@GetCommand#2", 11, "'lost-close' takes no '#': VD_E_CLOSE comes once per device"},
    {"lost-close@GetCommand#last", 11, "'lost-close' takes no '#': VD_E_CLOSE comes once per device"},
    {"lost-close@GetCommand#1+", 11, "'lost-close' takes no '#': VD_E_CLOSE comes once per device"},
    {"early-close@OpenDevice", 12,
     "'early-close' at OpenDevice#1 no device is open yet: expected OpenDevice#2 or later"},
    {"satisfied-early@Read", 16,
     "'satisfied-early' at Read#1 not even the header was read: expected Read#2 or later"},
    {"extra-flush@Write", 12,
     "'extra-flush' at Write#1 there is nothing to flush yet: expected Write#2 or later"},
    {"end-of-media@Write", 13,
     "'end-of-media' at Write#1 the volume holds but a header, which a tape's filemark must follow: expected "
     "Write#2 or later"},
    {"io-error(code=38)@Write#2", 18, "'io-error' code=38 is no I/O error: expected one such as 1117 or 112"},
    {"unknown-command(code=12)@Write", 25,
     "'unknown-command' code=12 is VDC_Flush: expected a code that is no command, or 4 to 11"},
    {"error(code=VD_E_MEMORY)@GetCommand", 24,
     "'error' at GetCommand cannot give VD_E_MEMORY: expected VD_E_ABORT"},
    {"error-after(code=VD_E_MEMORY)@GetCommand", 30,
     "'error-after' at GetCommand cannot give VD_E_MEMORY: expected VD_E_ABORT"},
    {"jitter@Write", 6, "'jitter' takes no site: it is at every call"},
    {"abort(at=fetch,fetch)@Write", 15,
     "'abort' has no argument 'fetch' (it takes by=server|client, at=fetch|touch|complete)"},
    {"early-close@Close:0", 12, "'Close' is a call on the set: its site takes no ':' and device"},
    {"early-close@Create", 12,
     "'early-close' cannot be placed at 'Create': expected OpenDevice, GetCommand, CompleteCommand, "
     "SignalAbort, "
     "Close, GetBufferHandle, MapBufferHandle, RegisterDeviceClosed or a command"},
};

static void refuses_with_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fault fault;
        struct fault_error error;
        if (fault_parse(bad[i].text, &fault, &error) == 0) {
            fail_msg("'%s' was accepted", bad[i].text);
        }
        assert_string_equal(error.message, bad[i].message);
        assert_int_equal(error.offset, bad[i].offset);
    }
}

/* No device is open before OpenDevice: a set cannot be closed under an operation that has not begun. */
static void early_close_needs_open_devices(void **state)
{
    (void)state;
    static const char *const sites[] = {"Create", "GetConfiguration", "OpenInSecondary", "Destroy"};
    for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
        char text[64];
        struct fault fault;
        struct fault_error error;
        snprintf(text, sizeof(text), "early-close@%s", sites[i]);
        assert_int_not_equal(fault_parse(text, &fault, &error), 0);
        assert_non_null(strstr(error.message, "cannot be placed at"));
    }
}

/* The next "(...)" of a row's sweep, with its length; NULL past the end. */
static const char *next_arguments(const char *after, size_t *length)
{
    const char *open = strchr(after, '(');
    *length = open == NULL ? 0 : strcspn(open, ")") + 1;
    return open;
}

/* One kind with these arguments at one site, counted and aimed in several ways: what fits comes back from its text. */
static size_t round_trips(int kind, const char *arguments, size_t length, const char *name, bool of_device)
{
    static const char *const counts[] = {"", "#7", "#7+", "#*", "#last", "#next", "#next+"};
    static const char *const aims[] = {"", ":3", ":*", "/4", ":0/5"};
    size_t tried = 0;
    for (size_t n = 0; n < 35; n++) {
        struct fault fault, again;
        struct fault_error error;
        char text[FAULT_TEXT_MAX], printed[FAULT_TEXT_MAX];
        snprintf(text, sizeof(text), "%s%.*s@%s%s%s", fault_table[kind].name, length > 2 ? (int)length : 0,
                 arguments, name, counts[n % 7], aims[n / 7]);
        if (fault_parse(text, &fault, &error) != 0) {
            continue;
        }
        tried++;
        assert_true(fault_format(&fault, printed, sizeof(printed)) < (int)sizeof(printed));
        if (fault_parse(printed, &again, &error) != 0) {
            fail_msg("'%s' became '%s': %s", text, printed, error.message);
        }
        assert_same(&again, &fault);
        assert_true(of_device || fault.site.device == FAULT_DEVICE_ANY);
    }
    return tried;
}

/* One that is everywhere: it takes no site. */
static size_t round_trip_without_site(int kind, const char *arguments, size_t length)
{
    char text[FAULT_TEXT_MAX], printed[FAULT_TEXT_MAX];
    struct fault fault, again;
    struct fault_error error;
    snprintf(text, sizeof(text), "%s%.*s", fault_table[kind].name, (int)length, length > 2 ? arguments : "");
    assert_int_equal(fault_parse(text, &fault, &error), 0);
    assert_int_equal(fault.site.function | fault.site.command, 0);
    fault_format(&fault, printed, sizeof(printed));
    assert_int_equal(fault_parse(printed, &again, &error), 0);
    assert_same(&again, &fault);
    strcat(printed, "@GetCommand");
    assert_int_not_equal(fault_parse(printed, &again, &error), 0);
    assert_non_null(strstr(error.message, "takes no site"));
    return 1;
}

/* Whatever a sweep would try at all: every kind with each of its arguments at every legal site. */
static void round_trip_of_everything(void **state)
{
    (void)state;
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        const struct fault_info *info = &fault_table[kind];
        size_t length = 0;
        assert_non_null(next_arguments(info->sweep, &length));
        for (const char *text = info->sweep; (text = next_arguments(text, &length)) != NULL; text += length) {
            size_t tried = info->everywhere ? round_trip_without_site(kind, text, length) : 0;
            for (uint32_t site = 1; site < 32; site++) {
                bool of_device = site == VDI_FN_GET_COMMAND || site == VDI_FN_COMPLETE_COMMAND;
                if (info->functions >> site & 1) {
                    tried += round_trips(kind, text, length, vdi_function_names[site], of_device);
                }
                if (info->commands >> site & 1) {
                    tried += round_trips(kind, text, length, vdi_command_name((int32_t)site), true);
                }
            }
            if (tried == 0) {
                fail_msg("%s%.*s fits nowhere", info->name, (int)length, text);
            }
        }
    }
}

/* A row says everything that `vdifault faults` prints and a sweep needs. */
static void rows_are_complete(void **state)
{
    (void)state;
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        const struct fault_info *info = &fault_table[kind];
        assert_int_equal(info->everywhere, info->functions == 0 && info->commands == 0);
        assert_in_range(info->weight, 1, 100);
        assert_true(strlen(info->what) > 10 && strlen(info->real) > 10 && strlen(info->correct_client) > 10);
        assert_non_null(info->rules);
        for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
            size_t length = 0;
            assert_true(arg < info->args + FAULT_ARGS_MAX);
            assert_true(arg->type == FAULT_VALUE_CHOICE
                            ? fault_value_word(arg->values, arg->fallback, &length) != NULL
                            : arg->min <= arg->fallback && arg->fallback <= arg->max);
        }
    }
}

static void format_counts_what_does_not_fit(void **state)
{
    (void)state;
    struct fault fault = {.kind = FAULT_ABORT, .site = SITE(12, .command = VDC_Write)};
    char text[8];
    assert_int_equal(fault_format(&fault, text, sizeof(text)), strlen("abort@Write#12"));
    assert_string_equal(text, "abort@W");
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(vdi_function_names[VDI_FN_GET_COMMAND], "GetCommand");
    for (int f = 0; f < VDI_FN_COUNT; f++) {
        assert_non_null(vdi_function_names[f]);
    }
    assert_null(vdi_command_name(0));
    assert_null(vdi_command_name(20));
    assert_null(vdi_command_name(-1));
    assert_string_equal(vdi_command_name(VDC_Complete), "Complete");
    assert_string_equal(vdi_result_name(0), "NOERROR");
    assert_string_equal(vdi_result_name(VD_E_BUSY), "VD_E_BUSY");
    assert_string_equal(vdi_result_name(-2139684860), "VD_E_ABORT"); /* spec 5.6 */
    assert_null(vdi_result_name(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_prints),
        cmocka_unit_test(refuses_with_reason),
        cmocka_unit_test(early_close_needs_open_devices),
        cmocka_unit_test(round_trip_of_everything),
        cmocka_unit_test(rows_are_complete),
        cmocka_unit_test(format_counts_what_does_not_fit),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
