/* model_fixture.h - a BACKUP and a RESTORE over two devices of a model. */
#ifndef TEST_MODEL_FIXTURE_H
#define TEST_MODEL_FIXTURE_H

#include "fake_server.h"
#include "statement.h"

struct model {
    const char *name;
    uint32_t features;
    uint32_t soft_mark;
    uint32_t volume_size; /* as in fake_server.h */
    uint32_t warning_zone;
};

extern struct statement backup, restore; /* of 300001 bytes */

int model_setup(void **state);
int model_teardown(void **state);
/* A new client; `streams`: with what the one before has stored. */
void model_prepare(const struct model *model, bool streams);
void model_back_up(const struct model *model);    /* succeeds, or the test fails */
void model_bring_back(const struct model *model); /* what model_back_up has stored */

#endif
