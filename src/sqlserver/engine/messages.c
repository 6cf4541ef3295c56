/* messages.c - see messages.h. */
#include "messages.h"

#include <errno.h>
#include <stdio.h>

#include "server.h"

static const struct {
    int32_t code;
    const char *text;
} os_errors[] = {
    {OS_FILE_NOT_FOUND, "The system cannot find the file specified."},
    {3, "The system cannot find the path specified."},
    {OS_ACCESS_DENIED, "Access is denied."},
    {ERROR_INVALID_HANDLE, "The handle is invalid."},
    {ERROR_ARENA_TRASHED, "The storage control blocks were destroyed."},
    {8, "Not enough memory resources are available to process this command."},
    {OS_INVALID_DATA, "The data is invalid."},
    {14, "Not enough memory resources are available to complete this operation."},
    {19, "The media is write protected."},
    {21, "The device is not ready."},
    {23, "Data error (cyclic redundancy check)."},
    {29, "The system cannot write to the specified device."},
    {30, "The system cannot read from the specified device."},
    {31, "A device attached to the system is not functioning."},
    {32, "The process cannot access the file because it is being used by another process."},
    {ERROR_HANDLE_EOF, "Reached the end of the file."},
    {ERROR_HANDLE_DISK_FULL, "The disk is full."},
    {ERROR_NOT_SUPPORTED, "The request is not supported."},
    {64, "The specified network name is no longer available."},
    {OS_INVALID_PARAMETER, "The parameter is incorrect."},
    {109, "The pipe has been ended."},
    {ERROR_DISK_FULL, "There is not enough space on the disk."},
    {121, "The semaphore timeout period has expired."},
    {206, "The filename or extension is too long."},
    {ERROR_OPERATION_ABORTED,
     "The I/O operation has been aborted because of either a thread exit or an application request."},
    {ERROR_END_OF_MEDIA, "The physical end of the tape has been reached."},
    {ERROR_FILEMARK_DETECTED, "A tape access reached a filemark."},
    {ERROR_NO_DATA_DETECTED, "No more data is on the tape."},
    {ERROR_IO_DEVICE, "The request could not be performed because of an I/O device error."},
    {ERROR_EOM_OVERFLOW, "Physical end of tape encountered."},
    {ERROR_NO_SYSTEM_RESOURCES, "Insufficient system resources exist to complete the requested service."},
};

static const struct {
    int error;
    int32_t code;
} from_errno[] = {
    {ENOENT, OS_FILE_NOT_FOUND},    {ENOTDIR, 3},      {EACCES, OS_ACCESS_DENIED},  {EPERM, OS_ACCESS_DENIED},
    {EISDIR, OS_ACCESS_DENIED},     {EROFS, 19},       {ENOSPC, ERROR_DISK_FULL},   {EDQUOT, ERROR_DISK_FULL},
    {EFBIG, ERROR_DISK_FULL},       {ENOMEM, 8},       {ENODATA, ERROR_HANDLE_EOF}, {ENAMETOOLONG, 206},
    {EINVAL, OS_INVALID_PARAMETER}, {EWOULDBLOCK, 32}, {ELOOP, OS_FILE_NOT_FOUND},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *messages_os_text(int32_t code)
{
    for (size_t i = 0; i < COUNT_OF(os_errors); i++) {
        if (os_errors[i].code == code) {
            return os_errors[i].text;
        }
    }
    return "failed to retrieve text for this error. Reason: 15105";
}

const char *messages_os_error(int32_t code, char *text, size_t size)
{
    snprintf(text, size, "%d(%s)", code, messages_os_text(code));
    return text;
}

int32_t messages_from_errno(int error)
{
    for (size_t i = 0; i < COUNT_OF(from_errno); i++) {
        if (from_errno[i].error == error) {
            return from_errno[i].code;
        }
    }
    return ERROR_IO_DEVICE;
}
