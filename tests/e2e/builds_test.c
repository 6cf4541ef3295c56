/* Clients built as vendors build theirs: what is refused, what is wrapped, what is known of a place in them. And
 * what a user does with findings he knows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "e2e.h"

#define BUILDS E2E_CLIENTS "/builds/"

static void add_client(struct e2e_args *args, const char *client, const char *mode, const char *devices)
{
    const char *const list[] = {"--database", "sales", "--set", "stored",    "--devices",
                                devices,      "--dir", "{run}", "--timeout", "2000"};
    e2e_arg(args, "--");
    e2e_arg(args, "%s", client);
    if (mode != NULL) {
        e2e_arg(args, "%s", mode);
    }
    e2e_arg(args, "backup");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        e2e_arg(args, "%s", list[i]);
    }
}

static void start(struct e2e_args *args)
{
    *args = (struct e2e_args){0};
    e2e_arg(args, "run");
    e2e_arg(args, "--size");
    e2e_arg(args, "2M");
}

static bool is_built(const char *client)
{
    if (access(client, X_OK) == 0) {
        return true;
    }
    print_message("%s is not built here\n", client);
    return false;
}

/* A sweep offers its first run to become a fork server, which this one cannot be: it is swept all the same. */
static void test_llvms_thread_sanitizer_is_swept(void **unused)
{
    static const char *const options[] = {"sweep",
                                          "--size",
                                          "256K",
                                          "--jobs",
                                          "2",
                                          "--only",
                                          "error",
                                          "--per-stack",
                                          "1",
                                          "--",
                                          BUILDS "tsan_clang",
                                          "sales",
                                          "{run}/sales.bak"};
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    if (!is_built(BUILDS "tsan_clang")) {
        skip();
    }
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        e2e_arg(&args, "%s", options[i]);
    }
    e2e_run(&run, args.list);
    if (run.status != 1 || strstr(run.output, "error VDI-OUT-001") == NULL ||
        strstr(run.output, "VDI-OUT-002") != NULL) {
        e2e_fail(&run, &args, "the demo's bug is found with LLVM's ThreadSanitizer, too, and no hang");
    }
    e2e_free(&run);
}

static void test_static_pie_is_refused(void **unused)
{
    (void)unused;
    struct e2e_args args;
    struct e2e_run run;
    if (!is_built(BUILDS "static_pie")) {
        skip();
    }
    start(&args);
    e2e_arg(&args, "--");
    e2e_arg(&args, BUILDS "static_pie");
    e2e_run(&run, args.list);
    if (run.status != 3 || strstr(run.output, "is a static program") == NULL) {
        e2e_fail(&run, &args, "a static-PIE client is refused with exit status 3");
    }
    e2e_free(&run);
}

/* The library loaded RTLD_LOCAL, by the client itself or with a plug-in: both are wrapped. */
static void test_local_libraries_are_wrapped(void **unused)
{
    (void)unused;
    static const char *const clients[][2] = {{BUILDS "loads_by_name", NULL},
                                             {BUILDS "plugin_loader", "local"}};
    for (size_t i = 0; i < 2; i++) {
        struct e2e_args args;
        struct e2e_run run;
        start(&args);
        e2e_arg(&args, "--fault");
        e2e_arg(&args, "abort@Write#3");
        add_client(&args, clients[i][0], clients[i][1], "2");
        e2e_run(&run, args.list);
        json_t *fault = json_array_get(json_object_get(run.report, "faults"), 0);
        if (run.status != 0 || json_integer_value(json_object_get(fault, "fired")) != 1) {
            e2e_fail(&run, &args, "the fault fires and a correct client takes it");
        }
        e2e_free(&run);
    }
}

/* A plug-in loaded RTLD_DEEPBIND finds the library before us: nothing is seen, and nobody believes otherwise. */
static void test_deepbind_is_told(void **unused)
{
    (void)unused;
    struct e2e_args args;
    struct e2e_run run;
    start(&args);
    add_client(&args, BUILDS "plugin_loader", "deepbind", "1");
    e2e_run(&run, args.list);
    if (run.status != 3 || strstr(run.output, "RTLD_DEEPBIND") == NULL) {
        e2e_fail(&run, &args, "a client that cannot be seen is named as such");
    }
    e2e_free(&run);
}

/* ---- places ---- */

static void run_buggy(struct e2e_run *run, struct e2e_args *args, const char *client, const char *bug,
                      const char *devices)
{
    add_client(args, client, NULL, devices);
    e2e_arg(args, "--bug");
    e2e_arg(args, "%s", bug);
    e2e_run(run, args->list);
}

static const char *frame_of(json_t *finding, size_t index)
{
    const char *frame = json_string_value(json_array_get(json_object_get(finding, "backtrace"), index));
    return frame != NULL ? frame : "";
}

static void test_stripped_client(void **unused)
{
    (void)unused;
    char fingerprints[2][32];
    for (int i = 0; i < 2; i++) {
        struct e2e_args args;
        struct e2e_run run;
        start(&args);
        run_buggy(&run, &args, BUILDS "buggy_stripped", "close-twice", "1");
        json_t *finding = e2e_finding(&run, "VDI-CLOSE-004");
        if (run.status != 1 || strncmp(frame_of(finding, 0), "buggy_stripped+0x", 17) != 0 ||
            strstr(run.output, "--ignore VDI-CLOSE-004@module:buggy_stripped") == NULL) {
            e2e_fail(&run, &args, "a finding in a stripped client has module and offset");
        }
        size_t count = json_array_size(json_object_get(finding, "backtrace"));
        if (count < 2 || strncmp(frame_of(finding, count - 1), "buggy_stripped+0x", 17) != 0) {
            e2e_fail(&run, &args, "its stack ends in the client, at what is its main");
        }
        snprintf(fingerprints[i], sizeof fingerprints[i], "%s",
                 json_string_value(json_object_get(finding, "fingerprint")));
        e2e_free(&run);
    }
    assert_string_equal(fingerprints[0], fingerprints[1]);
}

/* Built with ASan, a thread a device: the stack goes up to the function that the thread began with. */
static void test_asan_client_with_threads(void **unused)
{
    (void)unused;
    struct e2e_args args;
    struct e2e_run run;
    if (!is_built(BUILDS "buggy_asan")) {
        skip();
    }
    start(&args);
    run_buggy(&run, &args, BUILDS "buggy_asan", "complete-twice", "4");
    json_t *finding = e2e_finding(&run, "VDI-CMD-002");
    size_t count = json_array_size(json_object_get(finding, "backtrace"));
    if (run.status != 1 || count < 2 || strstr(frame_of(finding, 0), "buggy.c:") == NULL ||
        strstr(frame_of(finding, 0), " answer") == NULL || strstr(frame_of(finding, 1), " serve") == NULL) {
        e2e_fail(&run, &args, "answer is called by serve, where the device's thread began");
    }
    e2e_free(&run);
}

/* ---- findings that are known ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_ignored_findings(void **unused)
{
    (void)unused;
    static const struct {
        const char *option, *value, *file, *says;
        int status;
    } cases[] = {
        {"--ignore", "VDI-CLOSE-004@close_set", NULL, "1 finding ignored", 0},
        {"--ignore", "VDI-CLOSE-*@main", NULL, "1 finding ignored", 0},
        {"--ignore", "*@module:bug*", NULL, "1 finding ignored", 0},
        {"--ignore", "VDI-CLOSE-004@open_set", NULL, "--ignore VDI-CLOSE-004@open_set fits no finding", 1},
        {"--ignore", "VDI-CLOZE-004", NULL, "did you mean 'VDI-CLOSE-004'", 2},
        {"--suppressions", NULL, "# known\nVDI-CLOSE-004@run # ticket 12\n", "1 finding ignored", 0},
        {"--suppressions", NULL, "\nVDI-OUT-*@nobody\n", ":2: VDI-OUT-*@nobody fits no finding", 1},
        {"--suppressions", NULL, "VDI-CLOSE-04\n", "line 1: unknown rule 'VDI-CLOSE-04'", 2},
    };
    char path[] = "/tmp/vdifault-known-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct e2e_args args;
        struct e2e_run run;
        if (cases[i].file != NULL) {
            write_file(path, cases[i].file);
        }
        start(&args);
        e2e_arg(&args, "%s", cases[i].option);
        e2e_arg(&args, "%s", cases[i].file != NULL ? path : cases[i].value);
        run_buggy(&run, &args, E2E_CLIENTS "/buggy", "close-twice", "1");
        if (run.status != cases[i].status || strstr(run.output, cases[i].says) == NULL) {
            e2e_fail(&run, &args, "exit status %d and \"%s\" expected", cases[i].status, cases[i].says);
        }
        e2e_free(&run);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llvms_thread_sanitizer_is_swept),
        cmocka_unit_test(test_static_pie_is_refused),
        cmocka_unit_test(test_local_libraries_are_wrapped),
        cmocka_unit_test(test_deepbind_is_told),
        cmocka_unit_test(test_stripped_client),
        cmocka_unit_test(test_asan_client_with_threads),
        cmocka_unit_test(test_ignored_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
