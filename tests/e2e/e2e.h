/* e2e.h - runs the command `vdifault` as a user would and reads its JSON report. Fixture of the end-to-end
 * tests.
 *
 * E2E_ROUNDS in the environment repeats the matrix of a test so many times (default 1).
 */
#ifndef E2E_H
#define E2E_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <jansson.h>

struct e2e_run {
    int status;         /* exit status, or -signal */
    json_t *report;     /* NULL if none was written */
    char output[65536]; /* stdout and stderr, cut to fit */
};

/* Starts `vdifault ARGS...`, waits for its end and reads the report. The list ends with NULL. */
void e2e_run(struct e2e_run *run, const char *const *args);
pid_t e2e_start(const char *const *args, const char *json, int *output);
void e2e_free(struct e2e_run *run);

/* Adds an argument: printf into a list of at most 63, which stays NULL-terminated. */
struct e2e_args {
    int count;
    const char *list[64];
    char text[64][1024];
};
void e2e_arg(struct e2e_args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

size_t e2e_finding_count(const struct e2e_run *run);
/* The finding of this rule, or NULL. */
json_t *e2e_finding(const struct e2e_run *run, const char *rule);
/* Fails the test, showing the command, the report and the output. */
void e2e_fail(const struct e2e_run *run, const struct e2e_args *args, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int e2e_rounds(void);

/* Cases that have nothing to do with each other, several at once, since a run mostly waits:
 *
 *     for (...) {
 *         if (e2e_case()) {
 *             check(...);     in a process of its own, which ends where it fails
 *             e2e_case_end();
 *         }
 *     }
 *     e2e_cases_end();        fails the test if a case did
 *
 * In between the caller has no other children. E2E_JOBS in the environment is how many at once (default: two for each
 * processor). */
bool e2e_case(void);
void e2e_case_end(void) __attribute__((noreturn));
void e2e_cases_end(void);
/* What is left of the run whose runner was `pid`: objects in /dev/shm, scratch folders, processes. */
uint32_t e2e_leftovers(pid_t pid);

#endif
