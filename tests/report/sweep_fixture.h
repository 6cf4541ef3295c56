/* sweep_fixture.h - sweeps for the tests of the reports, of any size and always the same: a backup client with some
 * bugs of its own on 4 devices. Every run is made the way `vdifault sweep` writes it (design 4.3). */
#ifndef VDIFAULT_TESTS_SWEEP_FIXTURE_H
#define VDIFAULT_TESTS_SWEEP_FIXTURE_H

#include <jansson.h>
#include <stddef.h>

/* At most `runs` runs, in plan order; the caller's. */
json_t *sweep_fixture(size_t runs);

/* Shard `index` (from 1) of `count`: every count-th run, and what concludes it. */
json_t *sweep_fixture_shard(const json_t *sweep, size_t index, size_t count);

/* A sweep whose every text tries to break out of HTML, XML, JSON and URIs. */
json_t *sweep_fixture_hostile(void);

/* The one text all of them hold. */
extern const char sweep_hostile_text[];

#endif
