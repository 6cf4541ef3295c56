/* buggy_bringup.c - correct_c.c with one bug (bug.h) before the transfer: in the set's creation, its configuration,
 * its devices' names, its secondaries or its statement. The bugs are where `has` is called. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bug.h"
#include "client_session.h"

enum {
    STATEMENT_MAX = 4096,
    SECONDS_IN_VAIN = 8,
};

enum bug_id {
    BUG_NAME_BACKSLASH,
    BUG_NAME_IN_USE,
    BUG_CREATE_AGAIN,
    BUG_NO_DEVICES,
    BUG_MIXED_MODE,
    BUG_SERVER_BITS,
    BUG_SOFT_MARKS,
    BUG_ODD_ALIGNMENT,
    BUG_DIRTY_CONFIG,
    BUG_NEED_COMPLETE,
    BUG_IGNORE_CONFIG,
    BUG_OTHER_BLOCK_SIZE,
    BUG_FEWER_CLAUSES,
    BUG_CONFIGURE_NOTHING,
    BUG_WAIT_IN_VAIN,
    BUG_SHORT_TIMEOUT,
    BUG_WINDOWS_INFINITE,
    BUG_OPEN_TWICE,
    BUG_OPEN_FOREIGN,
    BUG_FAIL_AT_LOOP_END,
    BUG_USE_NULL,
    BUG_SECONDARY_EARLY,
    BUG_SECONDARY_CASE,
    BUG_FORGET_SECONDARY,
    BUG_SECONDARY_CREATE,
    BUG_SECONDARY_STAYS,
    BUG_OTHER_SET_NAME,
    BUG_SAME_DEVICE_NAME,
    BUG_REGISTER_DEVICE,
    BUG_LIMITED_LOGIN,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_NAME_BACKSLASH] = {"name-backslash", "VDI-CREATE-002", "Create", "-", "backup", 1,
                            "tries a name with a backslash first"},
    [BUG_NAME_IN_USE] = {"name-in-use", "VDI-CREATE-003", "Create", "-", "backup", 1,
                         "creates a second set of the same name beside the first"},
    [BUG_CREATE_AGAIN] = {"create-again", "VDI-CREATE-004", "Create", "-", "backup", 1,
                          "gives its set up and waits with a new one for the same statement"},
    [BUG_NO_DEVICES] = {"no-devices", "VDI-CFG-001", "Create", "-", "backup", 1, "asks for 0 devices first"},
    [BUG_MIXED_MODE] = {"mixed-mode", "VDI-CFG-002", "Create", "-", "backup", 1,
                        "asks for a disk with filemarks first"},
    [BUG_SERVER_BITS] = {"server-bits", "VDI-CFG-003", "Create", "-", "backup", 1,
                         "sets WriteMedia, which is the server's to set"},
    [BUG_SOFT_MARKS] = {"soft-marks", "VDI-CFG-004", "Create", "-", "backup", 1,
                        "gives softFileMarkBlockSize to a pipe"},
    [BUG_ODD_ALIGNMENT] = {"odd-alignment", "VDI-CFG-005", "Create", "-", "backup", 1,
                           "asks for an alignment of 3000 first"},
    [BUG_DIRTY_CONFIG] = {"dirty-config", "VDI-CFG-006", "Create", "-", "backup", 1,
                          "leaves an old blockSize in the configuration"},
    [BUG_NEED_COMPLETE] = {"need-complete", "VDI-CFG-007", "GetConfiguration", "-", "restore", 1,
                           "fails without VDC_Complete, though it was not promised"},
    [BUG_IGNORE_CONFIG] = {"ignore-config", "VDI-CFG-008", "GetConfiguration", "-", "backup", 1,
                           "closes without SignalAbort when it does not like the configuration"},
    [BUG_OTHER_BLOCK_SIZE] = {"other-block-size", "VDI-CFG-009", "GetConfiguration", "-", "restore", 1,
                              "restores with a block size of its own"},
    [BUG_FEWER_CLAUSES] = {"fewer-clauses", "VDI-CFG-010", "Create", "-", "backup", 2,
                           "names one device in the statement of two"},
    [BUG_CONFIGURE_NOTHING] = {"configure-nothing", "VDI-GETCFG-001", "GetConfiguration", "-", "backup", 1,
                               "calls GetConfiguration before Create, too"},
    [BUG_WAIT_IN_VAIN] = {"wait-in-vain", "VDI-GETCFG-003", "GetConfiguration", "-", "backup", 1,
                          "goes on waiting for the configuration after its statement has failed"},
    [BUG_SHORT_TIMEOUT] = {"short-timeout", "VDI-GETCFG-004", "GetConfiguration", "-", "backup", 1,
                           "waits 999, of whatever unit, for the configuration"},
    [BUG_WINDOWS_INFINITE] = {"windows-infinite", "VDI-GETCFG-005", "GetConfiguration", "-", "backup", 1,
                              "waits 0xFFFFFFFF for the configuration"},
    [BUG_OPEN_TWICE] = {"open-twice", "VDI-OPEN-001", "OpenDevice", "-", "backup", 2,
                        "opens its first device twice"},
    [BUG_OPEN_FOREIGN] = {"open-foreign", "VDI-OPEN-002", "OpenDevice", "-", "backup", 2,
                          "tries a name that is not in the statement first"},
    [BUG_FAIL_AT_LOOP_END] = {"fail-at-loop-end", "VDI-OPEN-003", "OpenDevice", "-", "backup", 2,
                              "opens devices up to VD_E_OPEN, and takes that for a failure"},
    [BUG_USE_NULL] = {"use-null", "VDI-OPEN-004", "GetCommand", "early-close@OpenDevice#2", "backup", 2,
                      "serves a device that could not be opened"},
    [BUG_SECONDARY_EARLY] = {"secondary-early", "VDI-SEC-001", "OpenInSecondary", "-", "backup", 1,
                             "opens the set as a secondary before it is configured"},
    [BUG_SECONDARY_CASE] = {"secondary-case", "VDI-SEC-002", "OpenInSecondary", "-", "backup", 1,
                            "opens the set as a secondary by its name in capitals"},
    [BUG_FORGET_SECONDARY] = {"forget-secondary", "VDI-SEC-003", "-", "-", "backup", 1,
                              "never looks after its secondary, which dies"},
    [BUG_SECONDARY_CREATE] = {"secondary-create", "VDI-SEC-004", "Create", "-", "backup", 1,
                              "creates a set on an object that is a secondary"},
    [BUG_SECONDARY_STAYS] = {"secondary-stays", "VDI-CLOSE-006", "OpenInSecondary", "-", "backup", 1,
                             "has a secondary that ends without Close"},
    [BUG_OTHER_SET_NAME] = {"other-set-name", "VDI-SQL-001", "Create", "-", "backup", 1,
                            "names another set in the statement"},
    [BUG_SAME_DEVICE_NAME] = {"same-device-name", "VDI-SQL-002", "-", "-", "backup", 2,
                              "names the set for both devices of the statement"},
    [BUG_REGISTER_DEVICE] = {"register-device", "VDI-SQL-003", "-", "-", "backup", 1,
                             "registers the set as a backup device first"},
    [BUG_LIMITED_LOGIN] = {"limited-login", "VDI-SQL-004", "-", "-", "backup", 1,
                           "issues the statement as a login that is no sysadmin"},
};

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

/* ---- statements of its own ---- */

/* What follows runs beside us in a shell; its end is waited for by end_statement. NULL: it is not there. */
static FILE *start_statement(const struct operation *operation, const char *options, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static FILE *start_statement(const struct operation *operation, const char *options, const char *format, ...)
{
    char statement[STATEMENT_MAX], command[2 * STATEMENT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(statement, sizeof statement, format, arguments);
    va_end(arguments);
    snprintf(command, sizeof command, "%s -S . %s -b -Q \"%s\" >&2", operation_options(operation)->sqlcmd,
             options, statement);
    return popen(command, "w");
}

static void end_statement(struct operation *operation, FILE *statement)
{
    if (!statement || pclose(statement) != 0) {
        operation_fail(operation, "the statement failed");
    }
}

/* The statement as the bug wants it; NULL: the usual one is good enough. */
static FILE *start_wrong_statement(const struct operation *operation)
{
    const char *database = operation_options(operation)->database;
    const char *set = operation_options(operation)->set;

    if (has(BUG_CREATE_AGAIN) || has(BUG_FEWER_CLAUSES)) {
        return start_statement(operation, "-E", "BACKUP DATABASE [%s] TO VIRTUAL_DEVICE='%s'", database, set);
    }
    if (has(BUG_OTHER_BLOCK_SIZE)) {
        return start_statement(operation, "-E",
                               "RESTORE DATABASE [%s] FROM VIRTUAL_DEVICE='%s' WITH REPLACE, BLOCKSIZE=4096",
                               database, set);
    }
    if (has(BUG_WAIT_IN_VAIN)) {
        return start_statement(operation, "-E",
                               "BACKUP DATABASE [%s] TO VIRTUAL_DEVICE='%s' WITH BLOCKSIZE=1000", database,
                               set);
    }
    if (has(BUG_OTHER_SET_NAME)) {
        return start_statement(operation, "-E", "BACKUP DATABASE [%s] TO VIRTUAL_DEVICE='my-%s'", database,
                               set);
    }
    if (has(BUG_SAME_DEVICE_NAME)) {
        return start_statement(operation, "-E",
                               "BACKUP DATABASE [%s] TO VIRTUAL_DEVICE='%s', VIRTUAL_DEVICE='%s'", database,
                               set, set);
    }
    if (has(BUG_LIMITED_LOGIN)) {
        return start_statement(operation, "-U guest -P guest", "BACKUP DATABASE [%s] TO VIRTUAL_DEVICE='%s'",
                               database, set);
    }
    return NULL;
}

/* ---- creation ---- */

/* The configuration as the bug asks for it. False: Create refuses it, and the right one follows. */
static bool spoil_config(VDConfig *config)
{
    if (has(BUG_NO_DEVICES)) {
        config->deviceCount = 0;
    } else if (has(BUG_MIXED_MODE)) {
        config->features = VDF_LikeDisk | VDF_FileMarks;
    } else if (has(BUG_ODD_ALIGNMENT)) {
        config->alignment = 3000;
    } else {
        config->features |= has(BUG_SERVER_BITS) ? VDF_WriteMedia : 0;
        config->features |= has(BUG_NEED_COMPLETE) ? VDF_RequestComplete : 0;
        config->softFileMarkBlockSize = has(BUG_SOFT_MARKS) ? 512 : 0;
        config->blockSize = has(BUG_DIRTY_CONFIG) ? 512 : 0;
        return true;
    }
    return false;
}

static bool create(struct session *session)
{
    VDConfig right = session->config;
    char name[CLIENT_NAME_MAX];
    int result;

    operation_device_name(session->operation, 0, name);
    if (has(BUG_CONFIGURE_NOTHING)) {
        vdi_set_get_configuration(&session->set, 0, &session->config);
    }
    if (has(BUG_NAME_BACKSLASH)) {
        vdi_set_create(&session->set, (char[]){"host\\set"}, &session->config);
    }
    if (!spoil_config(&session->config)) {
        vdi_set_create(&session->set, name, &session->config);
        session->config = right;
    }
    result = vdi_set_create(&session->set, name, &session->config);
    if (result) {
        operation_fail(session->operation, "Create returned %s", client_result_name(result));
    }
    return !result;
}

/* The bugs of a second set object beside a set that is, or is not yet, configured. */
static void use_second_object(struct session *session, bool configured)
{
    ClientVirtualDeviceSet second;
    VDConfig config = {.deviceCount = 1};
    char name[CLIENT_NAME_MAX];

    operation_device_name(session->operation, 0, name);
    vdi_set_init(&second);
    if (has(BUG_NAME_IN_USE) && !configured) {
        vdi_set_create(&second, name, &config);
    }
    if (has(BUG_SECONDARY_EARLY) && !configured) {
        vdi_set_open_in_secondary(&second, name);
    }
    if (has(BUG_SECONDARY_CASE) && configured) {
        for (char *c = name; *c; c++) {
            *c = (char)toupper((unsigned char)*c);
        }
        vdi_set_open_in_secondary(&second, name);
    }
    if (has(BUG_SECONDARY_CREATE) && configured && vdi_set_open_in_secondary(&second, name) == 0) {
        vdi_set_create(&second, (char[]){"own"}, &config);
        vdi_set_close(&second);
    }
    vdi_set_destroy(&second);
}

/* A secondary that dies with its device open, without leaving a word; and nobody's child, for nobody waits for it. */
static void start_secondary(struct session *session)
{
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device;
    char name[CLIENT_NAME_MAX];
    pid_t child = fork();

    if (child > 0) {
        waitpid(child, NULL, 0);
        return;
    }
    if (child < 0 || fork() != 0) {
        _exit(CLIENT_FAILURE);
    }
    operation_device_name(session->operation, 0, name);
    vdi_set_init(&set);
    if (vdi_set_open_in_secondary(&set, name) == 0) {
        vdi_set_open_device(&set, name, &device);
    }
    _exit(CLIENT_FAILURE);
}

/* A secondary that has nothing to do, and ends by itself with its set open. */
static void visit_as_secondary(struct session *session)
{
    ClientVirtualDeviceSet set;
    char name[CLIENT_NAME_MAX];
    pid_t child = fork();

    if (child > 0) {
        waitpid(child, NULL, 0);
    } else if (child == 0) {
        operation_device_name(session->operation, 0, name);
        vdi_set_init(&set);
        _exit(vdi_set_open_in_secondary(&set, name) == 0 ? CLIENT_SUCCESS : CLIENT_FAILURE);
    }
}

/* ---- configuration ---- */

/* Until the statement is known to have failed. */
static void await_statement(struct session *session)
{
    while (operation_may_wait(session->operation)) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* With a statement of its own nobody tells the operation of its end: it waits for its own time. */
static bool configure(struct session *session)
{
    /* Whatever unit the library takes (X6), waiting in vain ends soon. */
    time_t timeout = has(BUG_WINDOWS_INFINITE) ? 0xffffffff
                     : has(BUG_SHORT_TIMEOUT)  ? 999
                     : has(BUG_WAIT_IN_VAIN)   ? 1
                                               : CLIENT_SLICE_MS;
    time_t end = 0;
    int result;

    if (has(BUG_WAIT_IN_VAIN)) {
        await_statement(session);
        end = time(NULL) + SECONDS_IN_VAIN;
    }
    do {
        result = vdi_set_get_configuration(&session->set, timeout, &session->config);
    } while (result == VD_E_TIMEOUT &&
             (has(BUG_WAIT_IN_VAIN) ? time(NULL) < end : operation_may_wait(session->operation)));
    if (result) {
        session_give_up(session, "GetConfiguration", result);
    }
    return !result;
}

/* ---- devices ---- */

static void give_up_opening(struct session *session, int result)
{
    VDC_Command *command;

    if (has(BUG_USE_NULL)) {
        vdi_device_get_command(session->devices[session->count - 1].device, 0, &command);
    }
    session_give_up(session, "OpenDevice", result);
}

static bool open_devices(struct session *session)
{
    int extra = has(BUG_FAIL_AT_LOOP_END) ? 1 : 0;

    for (int i = 0; i < session->count + extra; i++) {
        char name[CLIENT_NAME_MAX];
        ClientVirtualDevice *device;
        int result;

        if (has(BUG_OPEN_FOREIGN) && i == 0) {
            vdi_set_open_device(&session->set, (char[]){"tape0"}, &device);
        }
        operation_device_name(session->operation, i, name);
        result = vdi_set_open_device(&session->set, name, &device);
        if (i < session->count) {
            session->devices[i].device = device;
        }
        if (result) {
            give_up_opening(session, result);
            return false;
        }
        if (has(BUG_OPEN_TWICE) && i == 0) {
            vdi_set_open_device(&session->set, name, &device);
        }
    }
    return true;
}

static bool transfer(struct session *session)
{
    use_second_object(session, false);
    if (!configure(session)) {
        return false;
    }
    use_second_object(session, true);
    if (has(BUG_FORGET_SECONDARY)) {
        start_secondary(session);
        operation_wait_for_ever(session->operation);
        return true;
    }
    if (has(BUG_SECONDARY_STAYS)) {
        visit_as_secondary(session);
    }
    if (has(BUG_IGNORE_CONFIG)) {
        operation_fail(session->operation, "the block size does not suit us");
        return false;
    }
    if (!open_devices(session)) {
        return false;
    }
    session_serve_devices(session);
    if (has(BUG_NEED_COMPLETE) && !(session->config.features & VDF_CompleteEnabled)) {
        operation_fail(session->operation, "no VDC_Complete came");
    }
    return true;
}

/* ---- the session ---- */

static void converse_again(struct session *session)
{
    vdi_set_signal_abort(&session->set);
    session_close(session);
    session->config = (VDConfig){.deviceCount = (uint32_t)session->count};
    if (create(session)) {
        configure(session);
    }
}

/* From the statement to Close. */
static void converse(struct session *session)
{
    FILE *statement = start_wrong_statement(session->operation);

    if (has(BUG_REGISTER_DEVICE)) {
        end_statement(session->operation,
                      start_statement(session->operation, "-E",
                                      "EXEC sp_addumpdevice 'virtual_device', 'nightly', '%s'",
                                      operation_options(session->operation)->set));
    }
    if (!statement) {
        session_converse(session);
        session_close(session);
        return;
    }
    if (has(BUG_CREATE_AGAIN)) {
        if (configure(session)) {
            converse_again(session);
        }
    } else {
        transfer(session);
    }
    session_close(session);
    end_statement(session->operation, statement); /* which only Close may end */
}

static const struct session_kind wrong = {
    .suffix = ".bak",
    .features = VDF_LikePipe,
    .transfer = transfer,
};

/* session_run with the bugs between its steps. */
static void work(struct operation *operation)
{
    struct session session;

    session_init(&session, operation, &wrong, NULL);
    if (session_open_files(&session)) {
        vdi_set_init(&session.set);
        if (create(&session)) {
            converse(&session);
        }
        vdi_set_destroy(&session.set);
    }
    session_close_files(&session);
}

int main(int argc, char **argv)
{
    static const struct bug_need needs[] = {
        /* Time enough for the client to wait in vain before it counts as hanging. */
        {.row = BUG_WAIT_IN_VAIN, .run_options = "--patience|20"},
    };
    static const struct bug_table table = {"buggy_bringup", bugs, BUG_COUNT};

    bug_set_needs(needs, sizeof needs / sizeof needs[0]);
    return bug_main(argc, argv, &table, work);
}
