/* children.c - see children.h. */
#include "children.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os.h"
#include "request.h"

enum {
    NS_PER_MS = 1000000,
    GOODBYE_MS = 2000, /* for a connection that is to end: it may have a set to abort */
    LOOK_MS = 10,
};

void tds_children_add(struct tds_children *children, pid_t process, int socket)
{
    assert(children->count < TDS_CHILDREN_MOST);
    children->all[children->count++] = (struct tds_child){.process = process, .socket = socket};
}

static void look_at(struct tds_children *children, pid_t process, int how)
{
    uint32_t i = 0;
    while (i < children->count && children->all[i].process != process) {
        i++;
    }
    if (i == children->count) {
        return;
    }
    if (!WIFEXITED(how)) {
        run_answer_for(children->plan, (uint32_t)process);
    }
    if (WIFSTOPPED(how)) {
        children->all[i].stopped = true;
    } else {
        close(children->all[i].socket);
        children->all[i] = children->all[--children->count];
    }
}

void tds_children_reap(struct tds_children *children)
{
    int how;
    pid_t process;
    while ((process = waitpid(-1, &how, WNOHANG | WUNTRACED)) > 0) {
        look_at(children, process, how);
    }
}

uint32_t tds_children_watch(const struct tds_children *children, struct pollfd *polls)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < children->count; i++) {
        if (children->all[i].stopped) {
            polls[count++] = (struct pollfd){.fd = children->all[i].socket, .events = POLLRDHUP};
        }
    }
    return count;
}

void tds_children_lost(struct tds_children *children, int socket)
{
    for (uint32_t i = 0; i < children->count; i++) {
        if (children->all[i].socket == socket) {
            kill(children->all[i].process, SIGKILL);
        }
    }
}

void tds_children_end(struct tds_children *children)
{
    int64_t until = os_now() + (int64_t)GOODBYE_MS * NS_PER_MS;
    for (uint32_t i = 0; i < children->count; i++) {
        kill(children->all[i].process, children->all[i].stopped ? SIGKILL : SIGTERM);
    }
    for (tds_children_reap(children); children->count > 0; tds_children_reap(children)) {
        if (os_now() >= until) {
            for (uint32_t i = 0; i < children->count; i++) {
                kill(children->all[i].process, SIGKILL);
            }
        }
        poll(NULL, 0, LOOK_MS);
    }
}

void tds_children_forget(struct tds_children *children)
{
    while (children->count > 0) {
        close(children->all[--children->count].socket);
    }
}
