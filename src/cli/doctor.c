/* doctor.c - `vdifault doctor`: checks the machine, lists and removes leftovers. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cleanup.h"
#include "cli.h"
#include "machine.h"
#include "parts.h"
#include "procfs.h"

struct doctor_options {
    bool clean;
};

OPTION_FLAG(set_clean, struct doctor_options, clean)

static const struct option_row doctor_rows[] = {
    {"clean", NULL, "remove what runs whose runner was killed left behind", set_clean},
    {NULL, NULL, NULL, NULL},
};

/* One line of the diagnosis; returns whether it is a problem. */
static int line(bool good, const char *what, const char *detail)
{
    printf("%-7s %-22s %s\n", good ? "ok" : "PROBLEM", what, detail);
    return good ? 0 : 1;
}

static int check_shared_memory(void)
{
    char detail[512];
    struct statvfs info;
    if (machine_check_shared_memory(detail, sizeof detail) != 0) {
        return line(false, SHM_FOLDER, detail);
    }
    if (statvfs(SHM_FOLDER, &info) != 0) {
        return line(false, SHM_FOLDER, strerror(errno));
    }
    snprintf(detail, sizeof detail, "writable, %llu MiB free",
             (unsigned long long)info.f_bavail * info.f_frsize >> 20);
    return line(true, SHM_FOLDER, detail);
}

static int check_parts(void)
{
    struct parts parts;
    char detail[RUN_PATH_MAX + 64];
    const char *missing = NULL;
    int error = parts_find(&parts, &missing);
    if (error != 0) {
        snprintf(detail, sizeof detail, "%s: %s", missing, strerror(error));
        return line(false, "installed parts", detail);
    }
    return line(true, "libvdifault.so", parts.interposer) + line(true, "libvdifault-sys.so", parts.files) +
           line(true, "libsqlvdi.so", parts.vdi_library) + line(true, "sqlcmd stand-in", parts.stand_in) +
           line(true, "sqlserver of --tds", parts.sql_server[0] != '\0' ? parts.sql_server : "not installed");
}

/* What supervision needs of the kernel, by trying it. */
static int check_kernel(void)
{
    char text[512];
    int problems = 0;
    int fd = pidfd_open(getpid(), 0);
    problems += line(fd >= 0, "pidfd", fd >= 0 ? "available" : strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    int got = 0;
    bool subreaper = prctl(PR_GET_CHILD_SUBREAPER, &got) == 0;
    problems += line(subreaper, "child subreaper", subreaper ? "available" : strerror(errno));
    bool guard = machine_check_guard(text, sizeof text) == 0;
    problems +=
        line(guard, "guard", guard ? "buffers can be watched: --guard auto, pages, copy or off" : text);
    char file[64];
    snprintf(file, sizeof file, "task/%d/syscall", (int)getpid());
    bool waits = proc_read(PROC_ROOT, getpid(), file, text, sizeof text) > 0 &&
                 proc_read(PROC_ROOT, getpid(), "timers", text, sizeof text) >= 0;
    problems += line(waits, "waits and timers",
                     waits ? "visible in /proc: certain hangs are reported at once"
                           : "not visible in /proc: hangs are reported after --patience");
    return problems;
}

static int run_doctor(int argc, char **argv)
{
    struct doctor_options options = {0};
    int first = 0;
    int status = CLI_CLEAN;
    if (cli_verb_start(&verb_doctor, argc, argv, &options, &first, &status) != 0) {
        return status;
    }
    if (first < argc) {
        cli_error("doctor: takes no argument, got '%s'", argv[first]);
        return CLI_USAGE;
    }
    int problems = check_shared_memory() + check_parts() + check_kernel();
    bool temporary = access(rundir_base(), W_OK | X_OK) == 0;
    problems += line(temporary, "scratch folders", rundir_base());
    printf("\nleftovers of runs and clients that were killed:\n");
    size_t left =
        cleanup_stale(rundir_base(), options.clean, stdout) + cleanup_dead_sets(options.clean, stdout);
    if (left == 0) {
        printf("  none\n");
    } else if (!options.clean) {
        printf("  vdifault doctor --clean removes them\n");
    }
    return problems > 0 ? CLI_SETUP : CLI_CLEAN;
}

const struct verb verb_doctor = {
    .name = "doctor",
    .arguments = "[--clean]",
    .summary = "checks the machine and lists, or removes, what killed runs and clients left behind",
    .options = doctor_rows,
    .examples = "  vdifault doctor\n  vdifault doctor --clean\n",
    .run = run_doctor,
};
