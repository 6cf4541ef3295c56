/* The rule table: wording, reason, source and remedy of every rule (spec 15, design 4.5). Its rows are in the
 * table_*.def files, which stand here in the order of an operation:
 *   RULE(id, kind, unchecked, says, why, source, fix, faults)
 * kind is NORMATIVE, DERIVED, ADVISORY or OUTCOME; unchecked is CHECKED, or a text that says why nobody outside
 * the client can tell a violation; faults: which faults bring a violation out, separated by spaces, "" for none
 * needed. */
#include <strings.h>

#include "rules.h"

#define CHECKED            NULL
#define CLIENT_TRANSITIONS "VDI specification, Client Transitions"
#define CREATE_PAGE        "VDI reference, IClientVirtualDeviceSet2::Create"
#define CONFIG_PAGE        "VDI specification, VDConfig Structure"
#define OPEN_PAGE          "VDI reference, IClientVirtualDeviceSet2::OpenDevice"
#define SECONDARY_PAGE     "VDI reference, IClientVirtualDeviceSet2::OpenInSecondary"
#define CLOSE_PAGE         "VDI reference, IClientVirtualDeviceSet2::Close"
#define RULE(id, kind, unchecked, says, why, source, fix, faults) \
    {id, RULE_##kind, unchecked, says, why, source, fix, faults},

const struct rule_info rule_table[] = {
#include "table_set.def"

#include "table_device.def"

#include "table_end.def"

#include "table_outcome.def"
};
const size_t rule_count = sizeof rule_table / sizeof rule_table[0];

const struct rule_info *rule_find(const char *id)
{
    for (size_t i = 0; id && i < rule_count; i++) {
        if (strcasecmp(rule_table[i].id, id) == 0) {
            return &rule_table[i];
        }
    }
    return NULL;
}
