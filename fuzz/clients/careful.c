/* careful.c - a correct client of VDI, small: backs up a database to a file, and says whether that went well.
 *
 * Every wait has an end, every result is looked at, a buffer is left alone once it is given back, and the backup is good
 * only if VD_E_CLOSE came, the set's Close went well, and SQL Server said so.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vdi.h"
#include "vdierror.h"
#include "vdifault.h"

enum {
    WAIT_MS = 30000
};

static FILE *start_statement(const char *set)
{
    char command[300];
    snprintf(command, sizeof command,
             "sqlcmd -b -S . -E -Q \"BACKUP DATABASE [sales] TO VIRTUAL_DEVICE='%s' WITH FORMAT\" 2>&1", set);
    return popen(command, "r");
}

static int answer(FILE *file, const VDC_Command *command, unsigned long *done)
{
    switch (command->commandCode) {
    case VDC_Write:
        *done = fwrite(command->buffer, 1, (size_t)command->size, file);
        return *done == (unsigned long)command->size ? ERROR_SUCCESS : ERROR_DISK_FULL;
    case VDC_Flush:
        return fflush(file) != 0 || fsync(fileno(file)) != 0 ? ERROR_DISK_FULL : ERROR_SUCCESS;
    case VDC_ClearError:
        return ERROR_SUCCESS;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

/* VD_E_CLOSE: all went well. */
static int serve(ClientVirtualDevice *device, FILE *file)
{
    VDC_Command *command = NULL;
    int result;
    while ((result = vdi_device_get_command(device, WAIT_MS, &command)) == 0) {
        unsigned long done = 0;
        if (command == NULL) {
            return VD_E_UNEXPECTED;
        }
        int code = answer(file, command, &done);
        result = vdi_device_complete_command(device, command, code, done, 0);
        if (result != 0) {
            return result;
        }
    }
    return result;
}

static bool transfer(ClientVirtualDeviceSet *set, char *name, FILE *file)
{
    VDConfig config = {.deviceCount = 1};
    ClientVirtualDevice *device = NULL;
    int result = vdi_set_get_configuration(set, WAIT_MS, &config);
    if (result == 0) {
        result = vdi_set_open_device(set, name, &device);
    }
    if (result == 0) {
        result = serve(device, file);
    }
    if (result != VD_E_CLOSE && result != VD_E_ABORT) {
        vdi_set_signal_abort(set);
    }
    return vdi_set_close(set) == 0 && result == VD_E_CLOSE;
}

static bool backup(ClientVirtualDeviceSet *set, FILE *file)
{
    char name[] = "careful";
    char text[256];
    VDConfig config = {.deviceCount = 1};
    if (vdi_set_create(set, name, &config) != 0) {
        return false;
    }
    FILE *statement = start_statement(name);
    if (statement == NULL) {
        vdi_set_signal_abort(set);
        vdi_set_close(set);
        return false;
    }
    bool good = transfer(set, name, file);
    while (fgets(text, sizeof text, statement) != NULL) {
    }
    return pclose(statement) == 0 && good;
}

int vdifault_client(const char *folder)
{
    ClientVirtualDeviceSet set;
    char path[300];
    snprintf(path, sizeof path, "%s/sales.bak", folder);
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return 1;
    }
    vdi_set_init(&set);
    bool good = backup(&set, file);
    vdi_set_destroy(&set);
    if (fclose(file) != 0 || !good) {
        unlink(path);
        return 1;
    }
    return 0;
}
