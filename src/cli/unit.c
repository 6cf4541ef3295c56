/* unit.c - `vdifault unit NAME`: a drop-in that has systemd start a service with the interposer. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "parts.h"

enum {
    NAME_MAX_BYTES = 200
};

struct unit_options {
    const char *plan;
    bool is_real;
};

OPTION_TEXT(set_plan, struct unit_options, plan)
OPTION_FLAG(set_real_server, struct unit_options, is_real)

static const struct option_row unit_rows[] = {
    {"plan", "FILE",
     "the faults to inject, one `fault FAULT` a line (default: none, calls are only recorded)", set_plan},
    {"real-server", NULL,
     "leave the libsqlvdi.so and sqlcmd that the service finds: faults of the client's side only",
     set_real_server},
    {NULL, NULL, NULL, NULL},
};

/* What systemd allows in a name, without ".service". */
static int take_name(const char *text, char name[NAME_MAX_BYTES])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.\\@-";
    static const char suffix[] = ".service";
    size_t length = strlen(text);
    if (length >= sizeof suffix - 1 && strcmp(text + length - (sizeof suffix - 1), suffix) == 0) {
        length -= sizeof suffix - 1;
    }
    if (length == 0 || length >= NAME_MAX_BYTES || strspn(text, allowed) != strlen(text)) {
        cli_error(
            "unit: '%s' is no name of a service; expected one as `systemctl list-units` has it, with or "
            "without .service",
            text);
        return -1;
    }
    snprintf(name, NAME_MAX_BYTES, "%.*s", (int)length, text);
    return 0;
}

/* As systemd.exec has it: quoted, with "%" doubled. */
static void print_variable(const char *name, const char *value)
{
    printf("Environment=\"%s=", name);
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            putchar('\\');
        } else if (*at == '%') {
            putchar('%');
        }
        putchar(*at);
    }
    printf("\"\n");
}

static void print_variables(const struct parts *parts, const struct unit_options *options, const char *state)
{
    char value[RUN_PATH_MAX * 2 + 64];
    snprintf(value, sizeof value, "%s:%s", parts->interposer, parts->files);
    print_variable("LD_PRELOAD", value);
    print_variable("VDIFAULT_TRACE", state);
    if (options->plan != NULL) {
        print_variable("VDIFAULT_PLAN", options->plan);
    }
    if (options->is_real) {
        return;
    }
    printf("# The simulated server: its library, and its sqlcmd first on PATH.\n");
    print_variable("LD_LIBRARY_PATH", parts->library_folder);
    print_variable("VDIFAULT_SQLCMD", parts->stand_in);
    snprintf(value, sizeof value, "%.*s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
             (int)(strrchr(parts->stand_in, '/') - parts->stand_in), parts->stand_in);
    print_variable("PATH", value);
}

static const char sandboxing[] =
    "# What of the service's own sandboxing can be in the way:\n"
    "#   NoNewPrivileges=, User=, DynamicUser=   no matter; but a program that gains rights when it is "
    "started\n"
    "#     (setuid, setgid, file capabilities) drops LD_PRELOAD, and a static one has no use for it\n"
    "#   ProtectSystem=, ProtectHome=, PrivateTmp=   no matter, as long as the paths above can be read: the "
    "calls\n"
    "#     are recorded in StateDirectory\n"
    "#   RootDirectory=, RootImage=   add BindReadOnlyPaths= for the folders above\n"
    "#   TemporaryFileSystem=/dev/shm   hides the sets from SQL Server; leave it out\n"
    "#   SystemCallFilter=   add SystemCallErrorNumber=EPERM: the guard asks for userfaultfd and goes "
    "without\n"
    "#   MemoryDenyWriteExecute=   no matter: nothing is written and then executed\n"
    "#   SELinux   the service's domain must be allowed to read and map the libraries above:\n"
    "#     semanage fcontext -a -t lib_t, then restorecon\n";

static int run_unit(int argc, char **argv)
{
    struct unit_options options = {0};
    struct parts parts;
    const char *missing = NULL;
    char name[NAME_MAX_BYTES], state[NAME_MAX_BYTES + 32];
    int first = 0;
    int status = CLI_CLEAN;
    if (cli_verb_start(&verb_unit, argc, argv, &options, &first, &status) != 0) {
        return status;
    }
    if (argc - first != 1) {
        cli_error("unit: expected one NAME of a service, got %d", argc - first);
        return CLI_USAGE;
    }
    if (take_name(argv[first], name) != 0) {
        return CLI_USAGE;
    }
    if (options.plan != NULL && options.plan[0] != '/') {
        cli_error("unit: --plan '%s': expected an absolute path, as the service works in another folder",
                  options.plan);
        return CLI_USAGE;
    }
    int error = parts_find(&parts, &missing);
    if (error != 0 || strpbrk(parts.interposer, PRELOAD_SEPARATORS) != NULL) {
        cli_error("unit: %s: %s", error != 0 ? missing : parts.interposer,
                  error != 0 ? strerror(error) : "LD_PRELOAD takes no path with a blank or colon in it");
        return CLI_SETUP;
    }
    snprintf(state, sizeof state, "/var/lib/vdifault/%s", name);
    printf(
        "# /etc/systemd/system/%s.service.d/vdifault.conf\n"
        "# Then: systemctl daemon-reload; systemctl restart %s\n"
        "# What it did, at any time:  vdifault trace %s   (--check judges it)\n"
        "# Without a runner the newest 4096 events of each thread are kept, and nothing ends a service that\n"
        "# hangs. Jobs one by one, each judged, in a run that cleans up:  vdifault run --help, --trigger\n\n"
        "[Service]\nStateDirectory=vdifault/%s\n",
        name, name, state, name);
    print_variables(&parts, &options, state);
    printf("\n%s", sandboxing);
    return CLI_CLEAN;
}

const struct verb verb_unit = {
    .name = "unit",
    .arguments = "[options] NAME",
    .summary = "prints a systemd drop-in that wraps a service",
    .options = unit_rows,
    .examples =
        "  mkdir -p /etc/systemd/system/mybackup.service.d\n"
        "  vdifault unit mybackup > /etc/systemd/system/mybackup.service.d/vdifault.conf\n"
        "  systemctl daemon-reload && systemctl restart mybackup\n"
        "      from its next start on the service's VDI calls are recorded; rm and daemon-reload ends "
        "that\n\n"
        "  echo 'fault abort@Write#3' > /etc/vdifault-mybackup.plan\n"
        "  vdifault unit --plan /etc/vdifault-mybackup.plan mybackup\n"
        "      with a fault in its first backup\n\n"
        "  vdifault unit --real-server mybackup\n"
        "      between the service and Microsoft's libsqlvdi.so\n\n"
        "exit status: 0, 2 usage, 3 part of the installation is missing\n",
    .run = run_unit,
};
