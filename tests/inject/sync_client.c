/* sync_client.c - syncs a file, and the folder it is in.
 *
 *     sync_client FOLDER TOLD     FOLDER exists; exit status 0 if all calls succeeded
 */
#include <fcntl.h>
#include <unistd.h>

#include "sync_words.h"

int main(int argc, char **argv)
{
    int said = argc == 3 ? open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (said < 0 || dup2(said, SYNC_TOLD) != SYNC_TOLD) {
        return 2;
    }
    int folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int file = openat(folder, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    int path_only = openat(folder, "file", O_PATH | O_CLOEXEC);
    if (folder < 0 || file < 0 || path_only < 0 || write(file, "bytes", 5) != 5) {
        return 3;
    }
    int wrong = (fsync(file) != 0) + (fdatasync(file) != 0) + (fsync(folder) != 0);
    (void)fsync(path_only); /* cannot be synced: the kernel is to say so */
    return wrong == 0 ? 0 : 4;
}
