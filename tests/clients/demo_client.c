/* demo_client.c - the client that ci/demo examines: a small backup program as a vendor might ship it.
 *
 *     demo_client DATABASE FILE
 *
 * It works, as long as nothing goes wrong. Its bug: whatever ends the loop over GetCommand counts as the end
 * of the backup, and nobody reads what SQL Server said about it. An abort in the middle leaves half a file,
 * and the client still prints "backup complete" and exits 0 (VDI-OUT-001).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vdi.h"
#include "vdierror.h"

enum {
    WAIT_MS = 10000
};

static FILE *start_backup(const char *database, const char *set)
{
    char command[1024];

    snprintf(command, sizeof command,
             "sqlcmd -S . -E -Q \"BACKUP DATABASE [%s] TO VIRTUAL_DEVICE='%s' WITH FORMAT\" 2>&1", database,
             set);
    return popen(command, "r");
}

static int store(FILE *file, const VDC_Command *command, unsigned long *done)
{
    switch (command->commandCode) {
    case VDC_Write:
        *done = fwrite(command->buffer, 1, (size_t)command->size, file);
        return *done == (unsigned long)command->size ? ERROR_SUCCESS : ERROR_DISK_FULL;
    case VDC_Flush:
        return fflush(file) || fsync(fileno(file)) ? ERROR_DISK_FULL : ERROR_SUCCESS;
    case VDC_ClearError:
        return ERROR_SUCCESS;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

static void receive(ClientVirtualDevice *device, FILE *file)
{
    VDC_Command *command;

    while (vdi_device_get_command(device, WAIT_MS, &command) == 0) {
        unsigned long done = 0;
        int code = store(file, command, &done);

        if (vdi_device_complete_command(device, command, code, done, 0)) {
            break;
        }
    }
}

static int backup(ClientVirtualDeviceSet *set, const char *database, char *name, FILE *file)
{
    VDConfig config = {.deviceCount = 1};
    ClientVirtualDevice *device;
    char answer[256];
    FILE *sql;

    if (vdi_set_create(set, name, &config)) {
        return -1;
    }
    sql = start_backup(database, name);
    if (!sql || vdi_set_get_configuration(set, WAIT_MS, &config) || vdi_set_open_device(set, name, &device)) {
        vdi_set_signal_abort(set);
        vdi_set_close(set);
        if (sql) {
            pclose(sql);
        }
        return -1;
    }
    receive(device, file);
    vdi_set_close(set);
    while (fgets(answer, sizeof answer, sql)) { /* lets sqlcmd finish; nobody looks at what it says */
    }
    pclose(sql);
    return 0;
}

/* A new file is as durable as its folder's entry for it. */
static int sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    int descriptor, failed;

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    descriptor = open(folder, O_RDONLY | O_DIRECTORY);
    failed = descriptor < 0 || fsync(descriptor);
    if (descriptor >= 0) {
        close(descriptor);
    }
    return failed;
}

int main(int argc, char **argv)
{
    ClientVirtualDeviceSet set;
    char name[64];
    FILE *file;
    int failed;

    if (argc != 3) {
        fprintf(stderr, "usage: demo_client DATABASE FILE\n");
        return 2;
    }
    file = fopen(argv[2], "wb");
    if (!file || sync_folder(argv[2])) {
        perror(argv[2]);
        return 1;
    }
    snprintf(name, sizeof name, "DemoBackup-%ld", (long)getpid());
    vdi_set_init(&set);
    failed = backup(&set, argv[1], name, file);
    vdi_set_destroy(&set);
    if (fclose(file)) {
        failed = 1;
    }
    if (failed) {
        fprintf(stderr, "backup failed\n");
        return 1;
    }
    printf("backup complete\n");
    return 0;
}
