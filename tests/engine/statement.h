/* statement.h - one statement run through the engine, and what it said. For tests of the engine. */
#ifndef TEST_STATEMENT_H
#define TEST_STATEMENT_H

#include "engine.h"

enum {
    STATEMENT_MESSAGES_MAX = 64
};

struct statement {
    struct engine_request request;
    const char *devices[64];
    char device_names[64][64];
    struct plan plan;
    struct catalog *catalog; /* NULL: the server remembers nothing */
    bool verification;
    int64_t patience_ms;
    struct engine *engine;
    enum engine_leaving leaving; /* once it has ended */
    uint32_t count;
    struct {
        int32_t number;
        int32_t severity;
        char text[1024];
    } messages[STATEMENT_MESSAGES_MAX];
    uint32_t set_count; /* of sets described, RESTORE HEADERONLY */
    struct engine_backup_set set;
    char database[129];
};

/* BACKUP or RESTORE DATABASE pubs over devices "set", "set-1", ...; generated content. */
void statement_init(struct statement *statement, enum engine_operation operation, uint32_t devices);
void statement_begin(struct statement *statement);
/* Steps and waits until the statement has ended; frees the engine. */
enum engine_status statement_finish(struct statement *statement);
enum engine_status statement_run(struct statement *statement); /* begin and finish */

/* Fails the test unless the messages have exactly these numbers, 0-terminated. */
void statement_expect(const struct statement *statement, const int32_t *numbers);
#define EXPECT(statement, ...) statement_expect((statement), (const int32_t[]){__VA_ARGS__, 0})
/* The text of the first message of this number; fails the test if there is none. */
const char *statement_text(const struct statement *statement, int32_t number);

#endif
