/* A client that makes no VDI call: ends at once, or with an argument tells that it runs (creates the file)
 * and then waits to be killed. A child waits beside it, so that there is a tree to clean up. */
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        return 0;
    }
    if (fork() >= 0 && open(argv[1], O_CREAT | O_WRONLY, 0600) >= 0) {
        pause();
    }
    return 1;
}
