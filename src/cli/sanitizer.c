/* sanitizer.c - files "report.<pid>" of sanitizer/. */
#include "sanitizer.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_telling(const char *line)
{
    return strstr(line, "ERROR: ") != NULL || strstr(line, "runtime error: ") != NULL ||
           strstr(line, "WARNING: ThreadSanitizer") != NULL;
}

static void read_report(const char *path, uint32_t process, sanitizer_report *visit, void *context)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    char *line = NULL;
    char *telling = NULL;
    size_t capacity = 0;
    for (ssize_t length; (length = getline(&line, &capacity, file)) > 0;) {
        fputs(line, stderr);
        if (telling == NULL && is_telling(line)) {
            line[strcspn(line, "\n")] = '\0';
            telling = strdup(line);
        }
    }
    if (telling != NULL) { /* warnings of the runtime about itself are no report */
        visit(context, process, telling);
    }
    free(telling);
    free(line);
    fclose(file);
}

void sanitizer_collect(const struct rundir *dir, sanitizer_report *visit, void *context)
{
    char *path = rundir_file(dir, "sanitizer");
    DIR *folder = path != NULL ? opendir(path) : NULL;
    if (folder == NULL) {
        free(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        char *file = NULL;
        if (entry->d_name[0] == '.' || dot == NULL || asprintf(&file, "%s/%s", path, entry->d_name) < 0) {
            continue;
        }
        read_report(file, (uint32_t)strtoul(dot + 1, NULL, 10), visit, context);
        (void)unlink(file);
        free(file);
    }
    closedir(folder);
    free(path);
}
