/* restore_fixture.h - a set of two devices, backed up to the fake client and ready to come back. */
#ifndef TEST_RESTORE_FIXTURE_H
#define TEST_RESTORE_FIXTURE_H

#include "statement.h"

enum {
    RESTORE_SIZE = 1000001
};

extern struct statement backup;
extern struct statement restore;
extern char path[96]; /* of a database file, in a folder of the test's own */

int restore_setup(void **state);
int restore_teardown(void **state); /* fails if a temporary file was left behind */

void back_up(uint32_t devices); /* runs `backup` anew */
void write_file(uint64_t seed, size_t size);
void check_file(uint64_t seed, size_t size);
void use_file(struct statement *statement); /* the database is the file */
void expect_failure(void);                  /* of `restore`, with VD_E_CLOSE for the client */

#endif
