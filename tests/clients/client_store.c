/* client_store.c - the files that hold the devices' streams: read, write, make durable (spec 6.3,
 * VDI-FLUSH-001). */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "client_common.h"
#include "vdi.h"
#include "vdierror.h"

void store_path(const struct operation *operation, int device, const char *suffix, char path[CLIENT_PATH_MAX])
{
    const struct client_options *options = operation_options(operation);

    snprintf(path, CLIENT_PATH_MAX, "%s/%s.%d%s", options->directory, options->set, device, suffix);
}

int store_sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = 0;

    if (directory < 0 || fsync(directory)) {
        error = errno;
    }
    if (directory >= 0) {
        close(directory);
    }
    return error;
}

FILE *store_open(const struct operation *operation, int device, const char *suffix)
{
    bool backup = operation_is_backup(operation);
    char path[CLIENT_PATH_MAX];
    FILE *file;
    int error;

    store_path(operation, device, suffix, path);
    file = fopen(path, backup ? "we" : "re");
    if (file && backup) {
        error = store_sync_directory(operation_options(operation)->directory);
        if (error) {
            fclose(file);
            errno = error;
            return NULL;
        }
    }
    return file;
}

int store_completion_code(int error_number, bool writing)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERROR_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return CLIENT_ERROR_ACCESS_DENIED;
    }
    return writing ? CLIENT_ERROR_WRITE_FAULT : CLIENT_ERROR_READ_FAULT;
}

int store_write(FILE *file, const uint8_t *data, size_t size, size_t *done)
{
    *done = fwrite(data, 1, size, file);
    return *done == size ? ERROR_SUCCESS : store_completion_code(errno, true);
}

int store_read(FILE *file, uint8_t *data, size_t size, size_t *done)
{
    *done = fread(data, 1, size, file);
    if (*done == size) {
        return ERROR_SUCCESS;
    }
    return ferror(file) ? store_completion_code(errno, false) : ERROR_HANDLE_EOF;
}

int store_sync(FILE *file)
{
    if (fflush(file) || fsync(fileno(file))) {
        return store_completion_code(errno, true);
    }
    return ERROR_SUCCESS;
}

int store_commit(const struct operation *operation, const char *from, const char *to)
{
    int error = rename(from, to) ? errno : store_sync_directory(operation_options(operation)->directory);

    return error ? store_completion_code(error, true) : ERROR_SUCCESS;
}

const char *client_result_name(int result)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {VD_E_NOTOPEN, "VD_E_NOTOPEN"},
        {VD_E_TIMEOUT, "VD_E_TIMEOUT"},
        {VD_E_ABORT, "VD_E_ABORT"},
        {VD_E_SECURITY, "VD_E_SECURITY"},
        {VD_E_INVALID, "VD_E_INVALID"},
        {VD_E_INSTANCE_NAME, "VD_E_INSTANCE_NAME"},
        {VD_E_NOTSUPPORTED, "VD_E_NOTSUPPORTED"},
        {VD_E_MEMORY, "VD_E_MEMORY"},
        {VD_E_UNEXPECTED, "VD_E_UNEXPECTED"},
        {VD_E_PROTOCOL, "VD_E_PROTOCOL"},
        {VD_E_OPEN, "VD_E_OPEN"},
        {VD_E_CLOSE, "VD_E_CLOSE"},
        {VD_E_BUSY, "VD_E_BUSY"},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == result) {
            return names[i].name;
        }
    }
    return result ? "an unknown code" : "success";
}
