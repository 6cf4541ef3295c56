/* sync_words.h - between test_sync.c, its client and what stands behind the wrappers. */
#ifndef SYNC_WORDS_H
#define SYNC_WORDS_H

enum {
    SYNC_TOLD = 200 /* the descriptor that syncs are told to */
};

#endif
