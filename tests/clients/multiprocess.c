/* multiprocess.c - a correct client in several processes: a primary and, with --processes N (2), so many
 * secondaries. Device i is served by process i modulo N + 1, the primary being 0; each opens, serves and closes
 * what is its own (VDI-SEC-001, VDI-CLOSE-006). The primary issues the statement and watches the others.
 */
#include "client_family.h"

enum {
    DEFAULT_PROCESSES = 2
};

static int64_t processes;
static struct family_role role;

/* The primary and each member have a device to serve, or there is no such member. */
static int member_count(const struct operation *operation)
{
    int devices = operation_options(operation)->devices;

    return processes < devices ? (int)processes : devices - 1;
}

static bool transfer_with_family(struct session *session)
{
    struct family *family = session->own;
    bool served;

    if (!session_configure(session)) {
        return false;
    }
    served = family_start(family, session, member_count(session->operation)) && session_open_devices(session);
    if (served) {
        session_serve_devices(session);
    }
    if (!operation_options(session->operation)->no_sql) {
        operation_wait_statement(session->operation); /* the others may still be serving */
    }
    family_end(family);
    return served;
}

static void work_as_primary(struct operation *operation)
{
    static const struct session_kind primary = {
        .suffix = ".bak",
        .features = VDF_LikePipe,
        .transfer = transfer_with_family,
    };
    struct family family = {0};
    struct session session;

    session_init(&session, operation, &primary, &family);
    session_take_devices(&session, 0, member_count(operation) + 1);
    session_run(&session);
}

static void work_as_secondary(struct operation *operation)
{
    static const struct session_kind secondary = {
        .suffix = ".bak",
        .features = VDF_LikePipe,
        .attach = session_open_in_secondary,
    };
    struct session session;

    session_init(&session, operation, &secondary, NULL);
    session_take_devices(&session, role.number, role.count + 1);
    session_run(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    const char *count = client_take_option(&argc, argv, "--processes");
    int status;

    role = family_take_role(&argc, argv);
    if (!client_number(count, 1, CLIENT_DEVICES_MAX, DEFAULT_PROCESSES, &processes)) {
        fprintf(stderr, "%s: --processes must be 1 to 64: %s\n", argv[0], count);
        return CLIENT_USAGE;
    }
    status = client_parse(argc, argv, &options);
    if (status) {
        return status;
    }
    return role.number ? family_run_member(&options, &role, true, work_as_secondary)
                       : client_run(&options, work_as_primary);
}
