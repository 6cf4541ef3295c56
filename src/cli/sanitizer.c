/* sanitizer.c - files "report.<pid>" of sanitizer/. */
#include "sanitizer.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sanitizer_text.h"

static void read_report(const char *path, uint32_t process, sanitizer_report *visit, void *context)
{
    struct sanitizer_text text;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    sanitizer_text_read(file, stderr, &text);
    if (text.line[0] != '\0') { /* warnings of the runtime about itself are no report */
        visit(context, process, text.line);
    }
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
