/* dsl_files.c - what the witness of files records (dsl.h). */
#include "dsl.h"

static void feed_file(struct run *run, enum file_action action, uint64_t file, const int64_t *rest,
                      uint64_t call, const char *text)
{
    struct event event = {.kind = EVENT_FILE,
                          .side = EVENT_SIDE_CLIENT,
                          .device = -1,
                          .operation = -1,
                          .process = run->process,
                          .thread = MAIN,
                          .call = call,
                          .arg = {action, file ? 10 + (int64_t)file : -1, (int64_t)file, rest[0], rest[1],
                                  rest[2], run->file_type ? run->file_type : FILE_REGULAR}};

    feed(run, event, text);
}

void file_event(struct run *run, enum file_action action, uint64_t file, int64_t offset, int64_t length,
                int64_t result)
{
    feed_file(run, action, file, (int64_t[]){offset, length, result}, run->fetch, NULL);
}

void file_open(struct run *run, uint64_t file, int64_t size, uint64_t new_in_folder)
{
    feed_file(run, FILE_OPEN, file, (int64_t[]){size, 0, (int64_t)new_in_folder}, 0,
              run->path ? run->path : "/backups/sink");
}

void file_write(struct run *run, uint64_t file, int64_t bytes)
{
    file_event(run, FILE_WRITE, file, run->written, bytes, bytes);
    run->written += bytes;
}

void file_write_through(struct run *run, uint64_t file, int64_t bytes)
{
    file_event(run, FILE_WRITE_SYNCED, file, run->written, bytes, bytes);
    run->written += bytes;
}

void file_buffered(struct run *run, uint64_t file, int64_t bytes)
{
    file_event(run, FILE_BUFFERED, file, -1, bytes, 0);
}

uint64_t file_sync_begin(struct run *run, uint64_t file)
{
    feed_file(run, FILE_SYNC_BEGIN, file, (int64_t[]){-1, 0, 0}, 0, NULL);
    return run->sequence;
}

void file_sync_end(struct run *run, uint64_t file, uint64_t begin, int64_t result)
{
    feed_file(run, FILE_SYNC_END, file, (int64_t[]){-1, 0, result}, begin, NULL);
}

void file_sync(struct run *run, uint64_t file)
{
    file_sync_end(run, file, file_sync_begin(run, file), 0);
}

void file_sync_all(struct run *run)
{
    uint64_t begin = file_sync_begin(run, 0);

    feed_file(run, FILE_SYNC_ALL_END, 0, (int64_t[]){-1, 0, 0}, begin, NULL);
}

void file_rename(struct run *run, uint64_t file, const char *paths, uint64_t folder)
{
    feed_file(run, FILE_RENAME, file, (int64_t[]){-1, 0, (int64_t)folder}, 0, paths);
}
