/* fake_server.c - stands for libexec/vdifault/sqlserver: tells each connection, in a line, what it was started with.
 *
 * FAKE_SERVER in the environment: "die" ends at once with exit status 7, "children" leaves a process behind that only
 * SIGKILL ends.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    const char *slash = value != NULL ? strrchr(value, '/') : NULL;
    return value == NULL ? "none" : slash != NULL ? slash + 1 : value;
}

static int leave_child(void)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    pid_t child = fork();
    while (child == 0) {
        pause();
    }
    return child < 0;
}

int main(int argc, char **argv)
{
    const char *mode = getenv("FAKE_SERVER") != NULL ? getenv("FAKE_SERVER") : "";
    if (argc < 3 || strcmp(argv[1], "--socket") != 0) {
        return 2;
    }
    if (strcmp(mode, "die") == 0) {
        return 7;
    }
    if (strcmp(mode, "children") == 0 && leave_child() != 0) {
        return 3;
    }
    struct pollfd wait = {.fd = atoi(argv[2]), .events = POLLIN};
    while (poll(&wait, 1, -1) >= 0) {
        int file = accept(wait.fd, NULL, NULL);
        if (file >= 0) {
            dprintf(file, "server of %s: role %s plan %s answers %s preload %s options%s%s\n",
                    variable("VDI_NAMESPACE"), variable("VDIFAULT_ROLE"), variable("VDIFAULT_PLAN"),
                    variable("VDIFAULT_ANSWERS"), variable("LD_PRELOAD"), argc > 3 ? " " : "",
                    argc > 3 ? argv[3] : "");
            close(file);
        }
    }
    return 4;
}
