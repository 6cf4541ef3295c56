/* `vdifault replay` elsewhere than in the simulation, with faults, and on traces. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "replay_command.h"
#include "rundir.h"
#include "trace.h"
#include "vdi.h"
#include "vdierror.h"

static int make(void **state)
{
    (void)state;
    return make_file();
}

static int take_away(void **state)
{
    (void)state;
    return unlink(file_path);
}

static void a_killed_call_waits_no_more(void **state)
{
    (void)state;
    static const char killed[] =
        "client Create(set)\nclient.2 GetConfiguration(timeout forever) ...\n"
        "server Open(set)\nworld Kill(client)\nclient.2 ... GetConfiguration\n";
    expect(0, "", killed, "client.2 GetConfiguration(timeout forever) ...  (its process was killed)\n");
    assert_null(strstr(said, "(waits)"));
    expect(1, "",
           "client Create(set)\nclient.2 GetConfiguration(timeout forever) ...\nworld Kill(client)\n"
           "client.2 ... GetConfiguration -> NOERROR\n",
           "(its process was killed), expected NOERROR\n");
}

/* Lines up to where a device is open on both sides. */
#define OPEN                                                                                            \
    "devices 1\nclient Create(set)\nserver Open(set)\n"                                                 \
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"             \
    "server NameDevice(0, as 0)\nserver RequestBuffers(size 512, count 2)\nserver EndConfiguration()\n" \
    "client GetConfiguration(timeout 1000)\nclient OpenDevice(0)\nserver OpenDevice()\n"

/* The scenario once as it is, and once where there is next to no shared memory: the machine's fault, which nobody takes for the core's. */
static void a_full_machine_is_no_finding(void **state)
{
    static const char options[] =
        "--in all '%s' >/dev/null 2>&1 && unshare -rm sh -c 'mount -t tmpfs -o size=%s tmpfs /dev/shm && "
        "head -c 4096 /dev/zero >/dev/shm/other && exec \"$@\"' sh " COMMAND " replay --in shm,sim,preload";
    static const char text[] =
        OPEN "server AllocateBuffer(size 512)\nserver RequestBuffers(size 65536, count 9)\n";
    static const char *const sizes[] = {"4k", "16k", "300k", "4m"};
    (void)state;
    if (system("unshare -rm mount -t tmpfs tmpfs /dev/shm 2>/dev/null") != 0) {
        skip();
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char command[512];
        snprintf(command, sizeof command, options, file_path, sizes[i]);
        expect(0, command, text, "3 worlds agree\n");
        if (i == 0) { /* not even the set */
            assert_non_null(strstr(said, "\nshm: compared up to line 1, where one of them had no room left"));
        }
    }
    expect(0, "--in shm", text, "in shared memory\n");
    assert_null(strstr(said, "compared up to"));
}

static void what_a_killed_one_has_left_is_removed(void **state)
{
    char token[RUN_TOKEN_MAX], path[RUN_TOKEN_MAX + 40];
    int ends[2], status = 0;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run_token(token);
        snprintf(path, sizeof path, "/dev/shm/" RUN_PREFIX "%s-1", token);
        int made = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        _exit(made < 0 || write(ends[1], path, sizeof path) != (ssize_t)sizeof path);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], path, sizeof path), sizeof path);
    close(ends[0]);
    close(ends[1]);
    expect(0, "--in shm", "client Create(set)\n", "1 calls");
    assert_int_equal(access(path, F_OK), -1);
}

static void other_worlds_are_told(void **state)
{
    (void)state;
    json_error_t error;
    const char *in, *first, *second, *reason;
    expect(0, "--in all", "client Create(set) -> NOERROR\n", "\n3 worlds agree\n1 calls; trace ");
    expect(0, "--in shm", "client Create(set)\n", ", in shared memory\n");
    assert_null(strstr(said, "agree"));
    expect(1, "--in shm,sim", "client Create(set) -> VD_E_OPEN\n",
           "it gave NOERROR; the scenario expects VD_E_OPEN, in shared memory\n2 worlds agree\n");
    expect(0, "--json - --in sim,preload", "client Create(set)\nworld Advance(5)\n", "\"worlds\"");
    json_t *report = json_loads(said, 0, &error);
    assert_non_null(report);
    assert_int_equal(
        json_unpack_ex(report, &error, 0, "{s:s, s:[{s:s, s:n}, {s:s, s:s}]}", "in", &in, "worlds", "in",
                       &first, "not_played", "in", &second, "not_played", &reason),
        0);
    assert_string_equal(in, "sim");
    assert_string_equal(second, "preload");
    assert_string_equal(reason, "line 2: only the simulation can do that");
    json_decref(report);
}

/* A line each of what a client's GetCommand and what follows meet. */
#define AT_WORK                                                                                \
    OPEN "server AllocateBuffer(size 512)\nserver SendCommand(0, Write, buffer 1, size 512)\n" \
         "client GetCommand(0, timeout 1000)\nclient CompleteCommand(0, SUCCESS, bytes 512)\n" \
         "server RunCompletions()\nserver CloseDevice(0)\nclient GetCommand(0, timeout 1000) -> "

static void faults_fire_in_front_of_the_library(void **state)
{
    (void)state;
    expect(0, "--in preload", "fault lost-close\n" AT_WORK "VD_E_TIMEOUT\nclient Close() -> VD_E_OPEN\n",
           "a fault has fired in line 16: from there on only expected results are compared\n");
    expect(1, "--in preload", "fault lost-close\n" AT_WORK "VD_E_CLOSE\n",
           "it gave VD_E_TIMEOUT; the scenario expects VD_E_CLOSE");
    expect(0, "--in preload", "fault client-crash@Write\n" AT_WORK "VD_E_CLOSE\n",
           "a fault has fired in line 12: ");
    expect(0, "--in preload", "fault early-close@GetCommand#9\n" AT_WORK "VD_E_CLOSE\n",
           "no fault has fired\n");
    expect(2, "", "fault lost-close\n" AT_WORK "VD_E_CLOSE\n",
           "cannot be played in the simulation: it has faults, which only --in preload can arm");
    expect(2, "--in preload", "fault lost\n" AT_WORK "VD_E_CLOSE\n", "line 1, column 7: unknown fault");
}

static void pipes_are_read(void **state)
{
    (void)state;
    char command[2 * PATH_MAX];
    write_file("client Create(set) -> NOERROR\n", 30);
    snprintf(command, sizeof command,
             "cat '%s' | " COMMAND " replay - > /dev/null && cat '%s' | " COMMAND
             " replay /dev/stdin > /dev/null",
             file_path, file_path);
    assert_int_equal(system(command), 0);
}

/* ---- traces ---- */

struct traced {
    uint32_t process, thread;
    enum vdi_function function;
    int32_t result;
    uint32_t flags;
    int64_t begin[6], end[6];
    const char *text;
};

/* One call a row, its begin's sequence its number: 1, 3, 5. */
static void write_trace(const struct traced *calls, size_t count)
{
    struct trace_writer *writer = NULL;
    struct trace_numbers numbers = {.events = 2 * count};
    FILE *out = fopen(file_path, "wb");
    assert_non_null(out);
    assert_int_equal(trace_write_start(out, &numbers, NULL, 0, &writer), 0);
    for (size_t i = 0; i < count; i++) {
        bool of_device =
            calls[i].function >= VDI_FN_OPEN_DEVICE && calls[i].function <= VDI_FN_COMPLETE_COMMAND;
        struct event event = {.sequence = 2 * i + 1,
                              .version = EVENT_VERSION,
                              .kind = EVENT_CALL_BEGIN,
                              .side = EVENT_SIDE_CLIENT,
                              .function = (uint16_t)calls[i].function,
                              .device = -1,
                              .operation = -1,
                              .process = calls[i].process,
                              .thread = calls[i].thread,
                              .set = 1};
        memcpy(event.arg, calls[i].begin, sizeof calls[i].begin);
        assert_int_equal(trace_write_event(writer, &event, calls[i].text != NULL ? calls[i].text : ""), 0);
        event.kind = EVENT_CALL_END;
        event.call = event.sequence++;
        event.device = of_device ? 0 : -1;
        event.result = calls[i].result;
        event.flags = calls[i].flags;
        memcpy(event.arg, calls[i].end, sizeof calls[i].end);
        assert_int_equal(trace_write_event(writer, &event, ""), 0);
    }
    assert_int_equal(trace_write_end(writer), 0);
    assert_int_equal(fclose(out), 0);
}

static const struct traced backup[] = {
    {7, 70, VDI_FN_CREATE, 0, 0, {1}, {0}, "set"},
    {7, 70, VDI_FN_GET_CONFIGURATION, 0, 0, {1000}, {VDF_WriteMedia, 512, 65536, 1}, NULL},
    {7, 70, VDI_FN_OPEN_DEVICE, 0, 0, {0}, {0}, "sales"},
    {7, 71, VDI_FN_GET_COMMAND, 0, 0, {1000}, {11, VDC_Write, 1024, 0, 12, 1}, NULL},
    {7, 71, VDI_FN_COMPLETE_COMMAND, 0, 0, {11, 0, 1024, 0, 7, VDC_Write}, {0}, NULL},
    {7, 71, VDI_FN_GET_COMMAND, VD_E_CLOSE, 0, {-1}, {0}, NULL},
    {7, 70, VDI_FN_CLOSE, 0, 0, {0}, {0}, NULL},
};

static void a_trace_becomes_a_scenario(void **state)
{
    struct traced other[sizeof backup / sizeof backup[0]];
    (void)state;
    write_trace(backup, sizeof backup / sizeof backup[0]);
    assert_int_equal(run("replay", "--in all", file_path), 0);
    assert_non_null(strstr(said, "client OpenDevice(0)  "));
    assert_non_null(strstr(said, "server SendCommand(0, Write, buffer 1, size 1024)  "));
    assert_non_null(strstr(said, "client.2 CompleteCommand(0, SUCCESS, bytes 1024)  "));
    assert_non_null(strstr(said, "\n3 worlds agree\n"));
    /* What a fault has made is not expected of the library; anything else is. */
    memcpy(other, backup, sizeof other);
    other[5].result = VD_E_TIMEOUT;
    other[4].result = VD_E_TIMEOUT;
    other[4].flags = EVENT_FLAG_FAULTED;
    write_trace(other, sizeof other / sizeof other[0]);
    assert_int_equal(run("replay", "", file_path), 1);
    assert_non_null(strstr(said, "client Close(): it gave VD_E_OPEN; the scenario expects NOERROR"));
    assert_null(strstr(said, "CompleteCommand(0, SUCCESS, bytes 1024): it gave"));
    memcpy(other, backup, sizeof other);
    other[3].process = 8;
    write_trace(other, sizeof other / sizeof other[0]);
    assert_int_equal(run("replay", "", file_path), 2);
    assert_non_null(
        strstr(said, "cannot be made a scenario: processes 7 and 8 make calls: expected one client"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_call_waits_no_more),
        cmocka_unit_test(a_full_machine_is_no_finding),
        cmocka_unit_test(what_a_killed_one_has_left_is_removed),
        cmocka_unit_test(other_worlds_are_told),
        cmocka_unit_test(faults_fire_in_front_of_the_library),
        cmocka_unit_test(pipes_are_read),
        cmocka_unit_test(a_trace_becomes_a_scenario),
    };
    return cmocka_run_group_tests(tests, make, take_away);
}
