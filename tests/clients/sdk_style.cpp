// sdk_style.cpp - a client as the public SDK's documents lead one to write it: the C++ classes, one pipe-like
// device, popen of sqlcmd, whose answer is read after Close.
//
//     sdk_style backup|restore DATABASE FILE
//
// Uses nothing but vdi.h, vdierror.h and libc, and is wrapped unmodified.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <new>
#include <string>

#include "vdi.h"
#include "vdierror.h"

static const time_t kWaitMs = 10000;

// A name no other set on this machine has.
static std::string UniqueName()
{
    char name[64];

    snprintf(name, sizeof name, "4d53ae10-7c1f-4f5e-9d2a-%012lx", static_cast<unsigned long>(getpid()));
    return name;
}

static FILE *Execute(bool backup, const std::string &database, const std::string &set)
{
    try {
        std::string sql =
            backup ? "BACKUP DATABASE " + database + " TO VIRTUAL_DEVICE='" + set + "' WITH FORMAT"
                   : "RESTORE DATABASE " + database + " FROM VIRTUAL_DEVICE='" + set + "' WITH REPLACE";

        // The shell's number is sqlcmd's then: the first line says whom to end.
        return popen(
            ("echo $$; exec sqlcmd -U sa -P secret -S . -Q \"" + sql + ", MAXTRANSFERSIZE=1048576\"").c_str(),
            "r");
    } catch (const std::bad_alloc &) {  // there is a set already, to be given up
        return nullptr;
    }
}

static int Perform(FILE *file, VDC_Command *command, unsigned long *transferred)
{
    size_t size = static_cast<size_t>(command->size);

    switch (command->commandCode) {
    case VDC_Read:
        *transferred = fread(command->buffer, 1, size, file);
        return *transferred == size ? ERROR_SUCCESS : ERROR_HANDLE_EOF;
    case VDC_Write:
        *transferred = fwrite(command->buffer, 1, size, file);
        return *transferred == size ? ERROR_SUCCESS : ERROR_DISK_FULL;
    case VDC_Flush:
        return fflush(file) == 0 && fsync(fileno(file)) == 0 ? ERROR_SUCCESS : ERROR_DISK_FULL;
    case VDC_ClearError:
        return ERROR_SUCCESS;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

// Moves the data. True if the server closed the device, which is how a transfer ends.
static bool Transfer(ClientVirtualDevice *device, FILE *file)
{
    VDC_Command *command = nullptr;
    int result;

    while ((result = device->GetCommand(kWaitMs, &command)) == 0) {
        unsigned long transferred = 0;
        int code = Perform(file, command, &transferred);

        result = device->CompleteCommand(command, code, transferred, 0);
        if (result != 0) {
            break;
        }
    }
    if (result != VD_E_CLOSE) {
        fprintf(stderr, "transfer ended with 0x%x\n", static_cast<unsigned>(result));
    }
    return result == VD_E_CLOSE;
}

// Once the devices are closed the server has no more to do than to say so. One that hangs never does: then sqlcmd is ended.
static void AwaitAnswer(FILE *pipe, pid_t sqlcmd)
{
    struct pollfd answer = {fileno(pipe), POLLIN, 0};

    if (poll(&answer, 1, static_cast<int>(kWaitMs)) == 0) {
        fprintf(stderr, "the server does not answer\n");
        kill(sqlcmd, SIGTERM);
    }
}

// sqlcmd without -b exits 0 whatever happened: only message 3014 tells success.
static bool ReadAnswer(FILE *pipe)
{
    char line[512];
    bool good = false;

    setvbuf(pipe, nullptr, _IONBF, 0);  // what is buffered is no news to poll
    pid_t sqlcmd = fgets(line, sizeof line, pipe) ? static_cast<pid_t>(strtol(line, nullptr, 10)) : 0;
    for (; sqlcmd > 0; fputs(line, stdout)) {
        AwaitAnswer(pipe, sqlcmd);
        if (!fgets(line, sizeof line, pipe)) {
            break;
        }
        good = good || strstr(line, "successfully processed");
    }
    return pclose(pipe) == 0 && good;
}

static bool Run(bool backup, const char *database, FILE *file)
{
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device = nullptr;
    VDConfig config;
    std::string unique = UniqueName();
    char *name = &unique[0];
    bool good = false;

    memset(&config, 0, sizeof config);
    config.deviceCount = 1;
    int result = set.Create(name, &config);
    if (result != 0) {
        fprintf(stderr, "Create failed: 0x%x\n", static_cast<unsigned>(result));
        return false;
    }
    FILE *pipe = Execute(backup, database, unique);
    if (!pipe || set.GetConfiguration(kWaitMs, &config) != 0 || set.OpenDevice(name, &device) != 0) {
        fprintf(stderr, "the virtual device was not configured\n");
    } else {
        good = Transfer(device, file);
    }
    if (!good) {
        set.SignalAbort();
    }
    if (set.Close() != 0) {
        good = false;
    }
    return pipe && ReadAnswer(pipe) && good;
}

// A new file is as durable as its folder's entry for it.
static bool SyncFolder(const std::string &path)
{
    size_t slash = path.rfind('/');
    std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY);
    bool good = descriptor >= 0 && fsync(descriptor) == 0;

    if (descriptor >= 0) {
        close(descriptor);
    }
    return good;
}

int main(int argc, char **argv)
{
    bool backup = argc == 4 && strcmp(argv[1], "backup") == 0;

    if (argc != 4 || (!backup && strcmp(argv[1], "restore") != 0)) {
        fprintf(stderr, "usage: sdk_style backup|restore DATABASE FILE\n");
        return 2;
    }
    umask(0);  // the server's user must be able to open what the library creates
    FILE *file = fopen(argv[3], backup ? "wb" : "rb");
    if (!file || (backup && !SyncFolder(argv[3]))) {
        perror(argv[3]);
        return 1;
    }
    bool good = Run(backup, argv[2], file);
    if (fclose(file) != 0) {
        good = false;
    }
    fprintf(good ? stdout : stderr, "%s %s\n", argv[1], good ? "succeeded" : "failed");
    return good ? 0 : 1;
}
