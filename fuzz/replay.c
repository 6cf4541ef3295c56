/* replay.c - runs a fuzz target without libFuzzer: over the files and folders given, then over inputs that a
 * seed makes up. What the fuzzer once found stays found, with any compiler, in a few seconds.
 *
 * usage: TARGET_replay [-runs=N] [-seed=N] [FILE | FOLDER]...
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "random.h"

enum {
    MADE_UP_MAX = 256
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;

static int run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *exact = malloc(size != 0 ? size : 1); /* so that a byte read too far is seen */
    bool read = file != NULL && exact != NULL && fread(exact, 1, size, file) == size;
    if (!read) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno != 0 ? errno : EIO));
    }
    if (file != NULL) {
        fclose(file);
    }
    if (read) {
        printf("%s\n", path);
        fflush(stdout); /* the last line before a crash names the input */
        LLVMFuzzerTestOneInput(exact, size);
        runs++;
    }
    free(exact);
    return read ? 0 : 1;
}

static int run_path(const char *path)
{
    struct dirent **names;
    struct stat st;
    int failed = 0;
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        return run_file(path, (size_t)st.st_size);
    }
    int count = scandir(path, &names, NULL, alphasort);
    if (count < 0) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        return 1;
    }
    for (int i = 0; i < count; i++) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            failed |= run_path(inside);
        }
        free(names[i]);
    }
    free(names);
    return failed;
}

static void run_made_up(unsigned long count, uint64_t seed)
{
    for (unsigned long i = 0; i < count; i++) {
        uint8_t bytes[MADE_UP_MAX];
        uint64_t state = seed + i; /* printed by nobody: -seed and the number of the run give it again */
        size_t size = random_next(&state) % sizeof bytes;
        for (size_t at = 0; at < size; at++) {
            bytes[at] = (uint8_t)random_next(&state);
        }
        LLVMFuzzerTestOneInput(bytes, size);
        runs++;
    }
}

int main(int argc, char **argv)
{
    unsigned long made_up = 0;
    uint64_t seed = 1;
    int failed = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0) {
            made_up = strtoul(argv[i] + 6, NULL, 10);
        } else if (strncmp(argv[i], "-seed=", 6) == 0) {
            seed = strtoull(argv[i] + 6, NULL, 10);
        } else {
            failed |= run_path(argv[i]);
        }
    }
    run_made_up(made_up, seed);
    printf("%lu inputs\n", runs);
    return failed;
}
