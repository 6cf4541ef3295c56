/* sessions.h - a test's clients in the simulation, each run as often as a fuzzer would. A mistake fails the test. */
#ifndef SESSIONS_H
#define SESSIONS_H

/* Some sessions of it, and of each the same finding, or "" for none, and the same exit status. */
void expect(int (*body)(const char *folder), const char *plan, const char *finding, int status);
/* In a child: it ends the program with status 3, and with these words on standard error. */
void expect_refusal(int (*body)(const char *folder), const char *words);

#endif
