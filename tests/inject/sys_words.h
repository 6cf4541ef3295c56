/* sys_words.h - what the client, the fake guard and the test of the wrapped calls agree on. */
#ifndef TEST_INJECT_SYS_WORDS_H
#define TEST_INJECT_SYS_WORDS_H

enum {
    SYS_BLOCK_BYTES = 4096,
    SYS_LOG_BYTES = 512,
    SYS_THREADS = 32,
    SYS_WRITES = 100, /* of each thread */
    SYS_ERRNO = 77,   /* no number of Linux: who changes it is seen */
    SYS_FETCH = 4711, /* the GetCommand that the block belongs to */
};

#endif
