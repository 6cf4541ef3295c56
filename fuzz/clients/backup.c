/* backup.c - the bundled clients but for their opinion of what came of it (backup.h): backs up a database to a file.
 *
 * Every wait has an end, every result is looked at, a buffer is left alone once it is given back.
 */
#include "backup.h"

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

/* What ended it is in ending->device. */
static void serve(ClientVirtualDevice *device, FILE *file, struct ending *ending)
{
    VDC_Command *command = NULL;
    while ((ending->device = vdi_device_get_command(device, WAIT_MS, &command)) == 0) {
        unsigned long done = 0;
        if (command == NULL) {
            ending->device = VD_E_UNEXPECTED;
            return;
        }
        bool flush = command->commandCode == VDC_Flush;
        int code = answer(file, command, &done);
        ending->device = vdi_device_complete_command(device, command, code, done, 0);
        if (ending->device != 0) {
            return;
        }
        ending->flushed = flush && code == ERROR_SUCCESS;
    }
}

static void transfer(ClientVirtualDeviceSet *set, char *name, FILE *file, struct ending *ending)
{
    VDConfig config = {.deviceCount = 1};
    ClientVirtualDevice *device = NULL;
    ending->device = vdi_set_get_configuration(set, WAIT_MS, &config);
    if (ending->device == 0) {
        ending->device = vdi_set_open_device(set, name, &device);
    }
    if (ending->device == 0) {
        serve(device, file, ending);
    }
    if (ending->device != VD_E_CLOSE && ending->device != VD_E_ABORT) {
        vdi_set_signal_abort(set);
    }
    ending->close = vdi_set_close(set);
}

static bool backup(ClientVirtualDeviceSet *set, FILE *file)
{
    char name[] = "sales-backup";
    char text[256];
    struct ending ending = {.close = -1};
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
    transfer(set, name, file, &ending);
    while (fgets(text, sizeof text, statement) != NULL) {
    }
    ending.statement = pclose(statement);
    return backup_is_good(&ending);
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
