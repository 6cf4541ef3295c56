/* A client that makes no VDI call: ends at once, or with an argument tells that it runs (creates the file)
 * and then waits to be killed. A child waits beside it, so that there is a tree to clean up. With a second
 * argument it is alone, writes its number into the file and, installed set-user-ID, first becomes root for
 * good: then the runner of another user cannot kill it. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int be_root(const char *file)
{
    FILE *out = setuid(0) == 0 ? fopen(file, "w") : NULL;
    if (out == NULL || fprintf(out, "%d\n", (int)getpid()) < 0 || fclose(out) != 0) {
        return 1;
    }
    pause();
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        return 0;
    }
    if (argc > 2) {
        return be_root(argv[1]);
    }
    if (fork() >= 0 && open(argv[1], O_CREAT | O_WRONLY, 0600) >= 0) {
        pause();
    }
    return 1;
}
