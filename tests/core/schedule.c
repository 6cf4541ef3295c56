#include "schedule.h"

#include "shared_event.h"
#include "sim.h"

enum {
    CHOICES_MAX = 4096
};

/* A place where the run could go on in several ways: taken + 1 < options means there are more to try. */
struct choice {
    uint8_t options;
    uint8_t taken;
    bool forced; /* taking any but the first is a pre-emption */
};

static struct choice choices[CHOICES_MAX];
static uint32_t fixed, made; /* choices given by the search, and made so far in this run */

static uint32_t choose(void *unused, uint32_t options, bool forced)
{
    (void)unused;
    assert_true(made < CHOICES_MAX);
    struct choice *choice = &choices[made];
    if (made >= fixed) {
        choice->taken = 0;
    }
    choice->options = (uint8_t)options;
    choice->forced = forced;
    made++;
    return choice->taken;
}

static void run_body(void *context)
{
    void (*const *body)(void) = context;
    (*body)();
}

static void expect_end(enum sim_end end, uint32_t fibers)
{
    char text[256];
    for (uint32_t i = 0; end != SIM_DONE && i < fibers; i++) {
        sim_explain(i, text, sizeof text);
        print_message("%s\n", text);
    }
    assert_int_equal(end, SIM_DONE);
}

static void run_once(const struct schedule_program *program)
{
    static const char *const names[SCHEDULE_FIBERS_MAX] = {"first", "second", "third", "fourth"};
    const struct sim_options options = {.schedule = SIM_CHOOSE, .choose = choose};
    uint32_t fibers = 0;
    sim_begin(&options);
    if (program->prepare != NULL) {
        program->prepare();
    }
    for (; fibers < SCHEDULE_FIBERS_MAX && program->bodies[fibers] != NULL; fibers++) {
        sim_start(1, names[fibers], run_body, (void *)&program->bodies[fibers]);
    }
    made = 0;
    expect_end(sim_run(os_now()), fibers);
    if (program->check != NULL) {
        program->check();
    }
    assert_int_equal(sim_mappings(0) + sim_names(NULL) + sim_watches(), 0);
    sim_end();
}

static uint32_t preemptions_before(uint32_t length)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < length; i++) {
        count += choices[i].forced && choices[i].taken > 0;
    }
    return count;
}

/* Depth first: takes the next way at the last choice that has one, forgets what followed. */
static bool next_schedule(uint32_t preemptions)
{
    for (uint32_t i = made; i-- > 0;) {
        bool free = !choices[i].forced || choices[i].taken > 0 || preemptions_before(i) < preemptions;
        if (choices[i].taken + 1 < choices[i].options && free) {
            choices[i].taken++;
            fixed = i + 1;
            return true;
        }
    }
    return false;
}

uint32_t schedule_explore(const struct schedule_program *program, uint32_t preemptions)
{
    uint32_t schedules = 0;
    event_set_spinning(false); /* looking on and on for what others do is no schedule */
    fixed = 0;
    do {
        run_once(program);
        schedules++;
    } while (next_schedule(preemptions));
    return schedules;
}
