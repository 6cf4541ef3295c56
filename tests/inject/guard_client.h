/* guard_client.h - what the files of guard_client share. */
#ifndef VDIFAULT_TESTS_GUARD_CLIENT_H
#define VDIFAULT_TESTS_GUARD_CLIENT_H

struct client;

/* A word of the arguments: `rest` is what follows its colon, `number` that as a number. Returns the exit status that
 * ends the client, 0 to go on. */
typedef int verb_function(struct client *client, long number, const char *rest);

/* ---- guard_client_signals.c ---- */
verb_function guard_client_own;
verb_function guard_client_is_own;
verb_function guard_client_crash;
verb_function guard_client_block;
verb_function guard_client_forbid;

#endif
