/* sweep_calls.c - see sweep_calls.h. */
#include "sweep_calls.h"

#include <stdio.h>
#include <string.h>

struct sequence {
    json_t *list;
    int number, time_us, device;
};

static json_t *add(struct sequence *to, const char *side, const char *text, const char *result)
{
    json_t *call = json_pack("{s:i, s:i, s:s, s:i, s:o, s:s, s:s?, s:b}", "n", to->number++, "t_us",
                             to->time_us, "side", side, "thread", to->device < 0 ? 1 : 2 + to->device,
                             "device", to->device < 0 ? json_null() : json_integer(to->device), "text", text,
                             "result", result, "fault", strcmp(side, "fault") == 0);

    to->time_us += 37 + 11 * (to->number % 5);
    json_array_append_new(to->list, call);
    return call;
}

static void add_transfer(struct sequence *to, int nth)
{
    char text[96];

    snprintf(text, sizeof text, "Write 65536 at position %d", (nth - 1) * 65536);
    add(to, "server", text, NULL);
    add(to, "client", "GetCommand(timeout=infinite)", "Write 65536");
    add(to, "client", "CompleteCommand(SUCCESS, 65536 bytes)", "NOERROR");
}

json_t *sweep_calls(const char *kind, const char *site, int nth, int device, const char *rule)
{
    struct sequence to = {json_array(), 9, 1200, -1};
    char text[128];
    json_t *last;

    if (nth == 1) {
        add(&to, "client", "Create(set-1, 4 devices)", "NOERROR");
        add(&to, "client", "GetConfiguration(timeout=15000)", "NOERROR");
        add(&to, "server", "BACKUP DATABASE [sales] TO VIRTUAL_DEVICE='set-1' WITH BLOCKSIZE=65536", NULL);
    }
    to.device = device < 0 ? 0 : device;
    for (int i = nth > 4 ? nth - 4 : 1; i < nth; i++) {
        add_transfer(&to, i);
    }
    add_transfer(&to, nth);
    snprintf(text, sizeof text, "%s at %s #%d", kind, site, nth);
    add(&to, "fault", text, NULL);
    last = add(&to, "client", "GetCommand(timeout=infinite)", "VD_E_ABORT");
    add(&to, "server", "BACKUP DATABASE is terminating abnormally.", NULL);
    if (rule) {
        last = add(&to, "client", "CompleteCommand(SUCCESS, 65536 bytes)", "VD_E_ABORT");
        json_object_set_new(last, "rules", json_pack("[s]", rule));
        last = add(&to, "client", "GetCommand(timeout=infinite)", "(did not return)");
    }
    to.device = -1;
    add(&to, "client", "Close()", "NOERROR");
    return to.list;
}
