/* See model_fixture.h. */
#include "model_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    SIZE = 300001
};

struct statement backup, restore;

int model_setup(void **state)
{
    (void)state;
    unsetenv("VDIFAULT_TRACE");
    statement_init(&backup, ENGINE_BACKUP, 2);
    statement_init(&restore, ENGINE_RESTORE, 2);
    backup.plan.size = SIZE;
    return 0;
}

int model_teardown(void **state)
{
    (void)state;
    fake_clear();
    return 0;
}

void model_prepare(const struct model *model, bool streams)
{
    fake_reset(backup.request.device_count, streams);
    fake.config.features = model->features;
    fake.config.softFileMarkBlockSize = model->soft_mark;
    fake.volume_size = model->volume_size;
    fake.warning_zone = model->warning_zone;
}

void model_back_up(const struct model *model)
{
    model_prepare(model, false);
    if (statement_run(&backup) != ENGINE_SUCCEEDED) {
        fail_msg("%s, seed %d: %s", model->name, (int)backup.plan.seed, backup.messages[0].text);
    }
}

void model_bring_back(const struct model *model)
{
    model_prepare(model, true);
    restore.plan.seed = backup.plan.seed;
    if (statement_run(&restore) != ENGINE_SUCCEEDED) {
        fail_msg("%s, seed %d: %s", model->name, (int)backup.plan.seed, restore.messages[0].text);
    }
}
