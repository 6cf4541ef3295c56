/* profile_walk.c - the steps of a profile: see profile.h. */
#include "profile.h"

bool profile_add(struct profile *profile, const struct profile_step *step)
{
    struct profile_step *last = profile->step_count > 0 ? &profile->steps[profile->step_count - 1] : NULL;
    bool counts = step->what == PROFILE_TRANSFERS || step->what == PROFILE_MIX;
    if (last != NULL && counts && last->kind == step->kind && last->device == step->device &&
        last->what == step->what && last->value == step->value && step->count <= INT32_MAX - last->count) {
        last->count += step->count;
        return true;
    }
    if (profile->step_count == PROFILE_STEPS_MAX) {
        return false;
    }
    profile->steps[profile->step_count++] = *step;
    return true;
}

uint32_t profile_device(const struct profile *profile, enum profile_kind kind, uint32_t device)
{
    uint32_t count = profile->operations[kind].device_count;
    return count > 0 ? device % count : device;
}

const struct profile_step *profile_next(const struct profile *profile, enum profile_kind kind,
                                        uint32_t device, struct profile_walk *walk)
{
    while (walk->step < profile->step_count && (profile->steps[walk->step].kind != (uint8_t)kind ||
                                                profile->steps[walk->step].device != device)) {
        walk->step++;
    }
    return walk->step < profile->step_count ? &profile->steps[walk->step] : NULL;
}

void profile_advance(const struct profile *profile, struct profile_walk *walk)
{
    if (++walk->used >= profile->steps[walk->step].count) {
        walk->step++;
        walk->used = 0;
    }
}

uint64_t profile_transfers(const struct profile *profile, enum profile_kind kind, uint32_t device)
{
    uint64_t transfers = 0;
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        bool counts = step->what == PROFILE_TRANSFERS || step->what == PROFILE_MIX;
        transfers += counts && step->kind == (uint8_t)kind && step->device == device ? step->count : 0;
    }
    return transfers;
}

uint32_t profile_draw(const struct profile *profile, enum profile_kind kind, uint64_t draw)
{
    const struct profile_operation *operation = &profile->operations[kind];
    uint64_t total = 0;
    for (uint32_t i = 0; i < operation->mix_count; i++) {
        total += operation->mix_weight[i];
    }
    draw = total > 0 ? draw % total : 0;
    for (uint32_t i = 0; i < operation->mix_count; i++) {
        if (draw < operation->mix_weight[i]) {
            return operation->mix_size[i];
        }
        draw -= operation->mix_weight[i];
    }
    return 0;
}
