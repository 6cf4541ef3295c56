/* prelude.h - what the code examples of the rules take for given.
 *
 * Each example is compiled behind it, as C and as C++, by tests/rules/examples_test.c; nothing is linked or run.
 * In C++ the functions of vdi.h for C are made of the methods they stand for, which also tells what they are.
 */
#ifndef VDIFAULT_EXAMPLES_PRELUDE_H
#define VDIFAULT_EXAMPLES_PRELUDE_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include "vdi.h"
#include "vdierror.h"

#ifdef __cplusplus
static inline void vdi_set_init(ClientVirtualDeviceSet *set)
{
    *set = ClientVirtualDeviceSet();
}
static inline int vdi_set_create(ClientVirtualDeviceSet *set, const char *name, VDConfig *config)
{
    return set->Create(const_cast<char *>(name), config);
}
static inline int vdi_set_get_configuration(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *config)
{
    return set->GetConfiguration(timeout, config);
}
static inline int vdi_set_open_device(ClientVirtualDeviceSet *set, const char *name,
                                      ClientVirtualDevice **device)
{
    return set->OpenDevice(const_cast<char *>(name), device);
}
static inline int vdi_set_close(ClientVirtualDeviceSet *set)
{
    return set->Close();
}
static inline int vdi_set_signal_abort(ClientVirtualDeviceSet *set)
{
    return set->SignalAbort();
}
static inline int vdi_set_open_in_secondary(ClientVirtualDeviceSet *set, const char *name)
{
    return set->OpenInSecondary(const_cast<char *>(name));
}
static inline int vdi_set_get_buffer_handle(ClientVirtualDeviceSet *set, uint8_t *buffer,
                                            unsigned int *handle)
{
    return set->GetBufferHandle(buffer, handle);
}
static inline int vdi_set_map_buffer_handle(ClientVirtualDeviceSet *set, int handle, uint8_t **buffer)
{
    return set->MapBufferHandle(handle, buffer);
}
static inline void vdi_set_destroy(ClientVirtualDeviceSet *set)
{
    delete set;
}
static inline void vdi_device_init(ClientVirtualDevice *device)
{
    *device = ClientVirtualDevice();
}
static inline int vdi_device_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command)
{
    return device->GetCommand(timeout, command);
}
static inline int vdi_device_complete_command(ClientVirtualDevice *device, VDC_Command *command, int code,
                                              unsigned long bytes, int64_t position)
{
    return device->CompleteCommand(command, code, bytes, position);
}
#endif

/* Completion codes of winerror.h that the SDK's vdi.h lacks. */
enum {
    ERROR_END_OF_MEDIA = 1100,
    ERROR_FILEMARK_DETECTED = 1101,
    ERROR_WRITE_FAULT = 29,
    ERROR_READ_FAULT = 30
};

/* Of the Windows interface, no more than the examples need. */
struct windows_set {
    int (*CreateEx)(const wchar_t *instance, const wchar_t *name, VDConfig *config);
};
extern struct windows_set *vds;

/* ---- the client around the example ---- */

extern ClientVirtualDeviceSet *set, *other_set;
extern ClientVirtualDevice *device, *devices[64];
extern VDC_Command *command;     /* the last one that GetCommand returned */
extern VDC_Command *fetched[4];  /* all that are not yet completed */
extern VDConfig config, settled; /* what Create got, what GetConfiguration returned */
extern char *name;               /* of the set and its first device */
extern char *names[64];          /* of all devices */
extern const char *database, *path, *folder;
extern FILE *file;
extern int fd, folder_fd, result, connection;
extern pthread_t threads[64], watchdog;
extern uint32_t device_count;
extern int64_t current, end; /* of a disk-like device: where it is, where its data ends */

int fail(const char *what, int result); /* logs, returns EXIT_FAILURE */
void log_line(const char *what, int result);

/* Files. */
bool write_all(int fd, const void *data, size_t size);
bool write_at(int fd, const void *data, size_t size, int64_t position);
size_t read_full(int fd, void *data, size_t size); /* less than asked: the end, errno 0, or an error */
size_t read_at(int fd, void *data, size_t size, int64_t position);
int disk_error(void); /* errno as a completion code */
int read_error(void); /* the same, and ERROR_HANDLE_EOF for 0 */
bool is_zero(const void *data, size_t size);
bool enter_in_catalogue(const char *path);

/* The T-SQL statement, on a thread and a connection of its own; run_statement waits for its end. */
void start_statement(const char *statement);
bool run_statement(const char *statement);
bool statement_ended(void);
bool statement_succeeded(void); /* waits for its end: 3014 and no error */

void start_remote_statement(const char *server, const char *statement);
extern pid_t sqlcmd; /* the process that runs it */

/* Snapshots. */
bool prepare_mirror(const char *database);
bool split_mirror(const char *database);
bool copy_files(const char *database);
bool is_identical_to_snapshot(const char *database);

/* Serving devices. */
int serve(ClientVirtualDevice *device); /* until VD_E_CLOSE or another error, which it returns */
void *serve_thread(void *device);
int serve_all(ClientVirtualDeviceSet *set);                   /* GetConfiguration to the last VD_E_CLOSE */
void *abort_when_statement_ends(void *set);                   /* the watchdog */
int perform(const VDC_Command *command, unsigned long *done); /* a completion code */
int complete(VDC_Command *command, int code, unsigned long bytes); /* CompleteCommand on `device` */
int answer(VDC_Command *command); /* performs and completes it; the result of CompleteCommand */

/* Input and output under way on the buffers of several commands. */
void start_io(VDC_Command *command);
VDC_Command *wait_for_io(int *code); /* the first that has finished */
void cancel_io(void);                /* and waits until nothing touches a buffer */

#endif
