/* The C face of the headers: structs, codes and calls, as a C client would use them. */
#include "vdi.h"
#include "vdierror.h"

int c_client(void);
int c_client(void)
{
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device = NULL;
    VDC_Command *command = NULL;
    VDConfig config = {.deviceCount = 1};
    vdi_set_init(&set);
    int result = vdi_set_create(&set, (char *)"name", &config);
    if (result == 0 && vdi_set_get_configuration(&set, 1000, &config) == 0 &&
        vdi_set_open_device(&set, (char *)"name", &device) == 0) {
        while (vdi_device_get_command(device, -1, &command) == 0) {
            vdi_device_complete_command(device, command, ERROR_NOT_SUPPORTED, 0, 0);
        }
    }
    vdi_set_close(&set);
    vdi_set_destroy(&set);
    return result;
}
