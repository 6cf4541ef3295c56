/* A client that makes a set and then does nothing more: whoever opens the set waits for it. */
#include <unistd.h>

#include "vdi.h"

int main(void)
{
    ClientVirtualDeviceSet set;
    VDConfig configuration = {.deviceCount = 1};
    vdi_set_init(&set);
    if (vdi_set_create(&set, "stuck", &configuration) != 0) {
        return 1;
    }
    pause();
    return 1;
}
