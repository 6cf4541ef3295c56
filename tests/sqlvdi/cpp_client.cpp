// A client of the public interface, as far as it gets without a server.
#include <cstring>
#include <memory>

#include "vdi.h"
#include "vdierror.h"

static_assert(VD_E_CLOSE == -2139684850, "codes are negative ints (spec 5.6)");
static_assert(sizeof(ClientVirtualDeviceSet) == 8 && sizeof(ClientVirtualDevice) == 8, "spec 3.1");

int main()
{
    char name[] = "cpp client";
    VDConfig config;
    ClientVirtualDevice *device = nullptr;
    ClientVirtualDevice unbound;
    VDC_Command *command = nullptr;
    std::unique_ptr<ClientVirtualDeviceSet> set(new ClientVirtualDeviceSet());
    memset(&config, 0, sizeof config);
    config.deviceCount = 1;
    bool right = set->Close() == VD_E_PROTOCOL && set->Create(name, &config) == 0 &&
                 set->Create(name, &config) == VD_E_PROTOCOL &&
                 set->GetConfiguration(0, &config) == VD_E_TIMEOUT &&
                 set->OpenDevice(name, &device) == VD_E_PROTOCOL && device == nullptr &&
                 unbound.GetCommand(0, &command) == VD_E_PROTOCOL && set->SignalAbort() == 0 &&
                 set->GetConfiguration(-1, &config) == VD_E_ABORT && set->Close() == 0;
    return right ? 0 : 1;
}
