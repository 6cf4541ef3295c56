/* See out_files.h. */
#include "out_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

static bool is_named(const char *path)
{
    return path != NULL && strcmp(path, "-") != 0;
}

/* What is written to one device twice is in nobody's way. */
static bool are_one(const char *path, const char *other)
{
    struct stat one, two;
    return is_named(path) && is_named(other) && stat(path, &one) == 0 && stat(other, &two) == 0 &&
           S_ISREG(one.st_mode) && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

static int try_to_write(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
        return 0; /* a pipe's reader would take it for the end */
    }
    FILE *file = fopen(path, "ae");
    return file == NULL || fclose(file) != 0 ? errno : 0;
}

static int check(const char *verb, const char *input, const struct out_file *files, size_t index)
{
    const struct out_file *file = &files[index];
    int error = try_to_write(file->path);
    if (error != 0) {
        cli_error("%s: --%s: cannot write '%s': %s", verb, file->option, file->path, strerror(error));
        return CLI_USAGE;
    }
    if (!file->replaces && are_one(file->path, input)) {
        cli_error("%s: --%s: '%s' is the file that is read: expected another one", verb, file->option,
                  file->path);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < index; i++) {
        if (are_one(file->path, files[i].path)) {
            cli_error("%s: --%s and --%s: expected two files, '%s' is one", verb, files[i].option,
                      file->option, file->path);
            return CLI_USAGE;
        }
    }
    return CLI_CLEAN;
}

int out_files_check(const char *verb, const char *input, const struct out_file *files, size_t count)
{
    int status = CLI_CLEAN;
    for (size_t i = 0; i < count && status == CLI_CLEAN; i++) {
        status = is_named(files[i].path) ? check(verb, input, files, i) : CLI_CLEAN;
    }
    return status;
}
