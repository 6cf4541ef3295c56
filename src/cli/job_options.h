/* job_options.h - the options of a client that runs on: a daemon or service, which jobs are given to one after another.
 *
 * Responsible for: reading --ready, --trigger, --verdict, --stop and --rearm, and what they cannot be together.
 * Ownership: texts are the command line's. Errors: -1 after a message.
 */
#ifndef VDIFAULT_JOB_OPTIONS_H
#define VDIFAULT_JOB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    RUN_JOBS_MAX = 64
};

/* By what a client is known to wait for jobs. */
enum ready_kind {
    READY_AT_ONCE,
    READY_OUTPUT, /* a line that matches `text` */
    READY_PORT,   /* a process of the run listens on TCP port `port` */
    READY_FILE    /* `text` is there, new or changed since the start; a socket is listened on, too */
};

/* By what a client says how a job went, or, without jobs, all of its work. */
enum word_kind {
    WORD_EXIT,    /* the exit status of the trigger, or of the client */
    WORD_COMMAND, /* that of this command, run when all is over */
    WORD_FILE,    /* what stands in a file */
    WORD_OUTPUT   /* a line that it prints */
};

struct job_options {
    enum ready_kind ready;
    const char *ready_text;
    uint16_t ready_port;
    const char *triggers[RUN_JOBS_MAX];
    uint32_t trigger_count; /* 0: the client does its work and ends */
    enum word_kind word;
    bool word_given;
    const char *word_text;
    const char *failure_text; /* of WORD_OUTPUT, a line that means failure; NULL: not given */
    int stop_signal;
    bool stop_given;
    bool rearm;
};

void job_options_init(struct job_options *options);
/* Each 0, or -1 after a message. */
int job_options_ready(struct job_options *options, const char *verb, const char *value);
int job_options_trigger(struct job_options *options, const char *verb, const char *value);
int job_options_verdict(struct job_options *options, const char *verb, const char *value);
int job_options_stop(struct job_options *options, const char *verb, const char *value);
int job_options_check(const struct job_options *options, const char *verb, bool again);

/* "SIGTERM"; the buffer is the caller's. */
const char *job_signal_name(int number, char buffer[16]);
/* Two runs at once would be ready by the same port or file. */
bool job_options_are_shared(const struct job_options *options);
/* Somebody has to read what the client prints. */
bool job_options_watch_output(const struct job_options *options);

#endif
