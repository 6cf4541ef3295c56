/* replay_command.h - a file of the test's, and `vdifault replay` or `minimize` on it. A test program has one. */
#ifndef VDIFAULT_REPLAY_COMMAND_H
#define VDIFAULT_REPLAY_COMMAND_H

#include <stddef.h>

extern char file_path[];
extern char said[32768]; /* what the command has printed */

int make_file(void); /* 0, or the system gives none; whoever made it removes it */
void write_file(const void *bytes, size_t length);

/* Its exit status. */
int run(const char *verb, const char *options, const char *path);
/* On a file with this text, it ends with the status and prints the output among other things. */
void expect_of(const char *verb, int status, const char *options, const char *text, const char *output);
void expect(int status, const char *options, const char *text, const char *output);

#endif
