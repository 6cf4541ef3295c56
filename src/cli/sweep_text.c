/* sweep_text.c - runs and sites as words; see sweep_plan.h. */
#include <stdio.h>
#include <string.h>

#include "dialect.h"
#include "sweep_plan.h"

const char *sweep_dialect_text(int32_t dialect, char *text, size_t size)
{
    if (dialect < 0 || dialect >= DIALECT_CHOICES) {
        return NULL;
    }
    snprintf(text, size, "%s:%s", dialect_table[dialect].name, dialect_table[dialect].other);
    return text;
}

int sweep_run_key(const struct sweep_run *run, char *text, size_t size)
{
    char dialect[64];
    int used = run->fault_count == 0 ? snprintf(text, size, "no fault") : 0;
    for (uint32_t i = 0; i < run->fault_count; i++) {
        char fault[FAULT_TEXT_MAX];
        fault_format(&run->faults[i], fault, sizeof fault);
        used += snprintf(text + used, size - (size_t)used, "%s%s", i > 0 ? "; " : "", fault);
    }
    if (sweep_dialect_text(run->dialect, dialect, sizeof dialect) != NULL) {
        used += snprintf(text + used, size - (size_t)used, " [%s]", dialect);
    }
    return used;
}

int sweep_site_text(const struct fault_site *site, char *text, size_t size)
{
    const char *name =
        site->function != 0 ? vdi_function_names[site->function] : vdi_command_name(site->command);
    char count[16] = "next";
    char device[16] = "";
    char operation[16] = "";
    if (site->nth != FAULT_NTH_NEXT) {
        snprintf(count, sizeof count, "%d", site->nth);
    }
    if (site->device >= 0) {
        snprintf(device, sizeof device, ":%d", site->device);
    }
    if (site->operation != 0) {
        snprintf(operation, sizeof operation, "/%d", site->operation);
    }
    return snprintf(text, size, "%s#%s%s%s%s", name, count, site->and_later ? "+" : "", device, operation);
}
