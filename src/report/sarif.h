/* sarif.h - the parts of sarif.c. Internal to src/report. */
#ifndef VDIFAULT_SARIF_H
#define VDIFAULT_SARIF_H

#include <jansson.h>

/* The steps of the first run that showed the finding, a threadFlow per thread; NULL: its calls are not recorded. */
json_t *sarif_code_flows(const json_t *sweep, const json_t *finding);

#endif
