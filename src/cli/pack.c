/* pack.c - see pack.h. */
#include "pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int pack_file(struct archive *archive, const char *folder, const struct packed_file *file,
                     int64_t time)
{
    struct archive_entry *entry = archive_entry_new();
    char name[2 * PACKED_NAME_MAX];
    int result = -1;

    if (entry == NULL) {
        return -1;
    }
    snprintf(name, sizeof name, "%s/%s", folder, file->name);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (int64_t)file->size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, time, 0);
    if (archive_write_header(archive, entry) == ARCHIVE_OK &&
        archive_write_data(archive, file->data, file->size) == (la_ssize_t)file->size) {
        result = 0;
    }
    archive_entry_free(entry);
    return result;
}

/* A device or a pipe that was named by its path is not ours to remove. */
static void remove_file(const char *path)
{
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISREG(info.st_mode)) {
        (void)unlink(path);
    }
}

int pack_files(const char *path, const char *folder, const struct packed_file *files, size_t count,
               int64_t time, char *why, size_t size)
{
    struct archive *archive = archive_write_new();
    int failed = archive == NULL;

    failed = failed || archive_write_add_filter_gzip(archive) != ARCHIVE_OK;
    failed = failed || archive_write_set_filter_option(archive, "gzip", "timestamp", NULL) != ARCHIVE_OK;
    failed = failed || archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK;
    failed = failed || archive_write_open_filename(archive, path) != ARCHIVE_OK;
    bool opened = !failed;
    for (size_t i = 0; i < count && !failed; i++) {
        failed = pack_file(archive, folder, &files[i], time) != 0;
    }
    failed = failed || archive_write_close(archive) != ARCHIVE_OK;
    if (failed) {
        const char *told = archive != NULL ? archive_error_string(archive) : NULL;

        snprintf(why, size, "%s", told != NULL ? told : "no memory");
        if (opened) {
            remove_file(path);
        }
    }
    archive_write_free(archive);
    return failed ? -1 : 0;
}
