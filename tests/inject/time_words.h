/* time_words.h - what time_client and the test that starts it agree on. */
#ifndef TEST_INJECT_TIME_WORDS_H
#define TEST_INJECT_TIME_WORDS_H

#include <stdint.h>

enum {
    LATE_MS = 600000,
    AHEAD_S = 86400,
    ORDER_READS = 20000
};
#define SOON_NS \
    INT64_C(30000000000) /* of the system's time: much less than LATE_MS, much more than anything takes */

#endif
