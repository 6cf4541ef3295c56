/* files.c - see files.h. */
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct stored_file *files_find(const struct files *files, uint64_t identity)
{
    struct stored_file *file = files->list;

    while (file && file->identity != identity) {
        file = file->next;
    }
    return identity ? file : NULL;
}

static struct stored_file *find_or_add(struct files *files, const struct event *event)
{
    uint64_t identity = (uint64_t)event->arg[2];
    struct stored_file *file = files_find(files, identity);
    bool known = event->arg[6] >= FILE_REGULAR && event->arg[6] <= FILE_OTHER;

    if (file || !identity) {
        return file;
    }
    if (files->count == FILES_MAX) {
        files->overflow = true;
        return NULL;
    }
    file = calloc(1, sizeof *file);
    if (!file) {
        files->out_of_memory = true;
        return NULL;
    }
    *file = (struct stored_file){.next = files->list,
                                 .identity = identity,
                                 .type = known ? (enum file_type)event->arg[6] : FILE_OTHER,
                                 .places_known = true,
                                 .size = -1};
    files->list = file;
    files->count++;
    return file;
}

struct file_use *files_find_use(const struct stored_file *file, int32_t operation, int16_t device)
{
    struct file_use *use = file->uses;

    while (use && (use->operation != operation || use->device != device)) {
        use = use->next;
    }
    return use;
}

struct file_use *files_use(struct files *files, struct stored_file *file, int32_t operation, int16_t device)
{
    struct file_use *use = files_find_use(file, operation, device);

    if (use) {
        return use;
    }
    if (file->use_count == FILE_USES_MAX) {
        files->overflow = true;
        return NULL;
    }
    use = calloc(1, sizeof *use);
    if (!use) {
        files->out_of_memory = true;
        return NULL;
    }
    *use = (struct file_use){.next = file->uses, .operation = operation, .device = device};
    file->uses = use;
    file->use_count++;
    return use;
}

bool files_is_shared(const struct stored_file *file, int32_t operation, int16_t device)
{
    for (const struct file_use *use = file->uses; use; use = use->next) {
        if (use->device >= 0 && (use->device != device || use->operation != operation)) {
            return true;
        }
    }
    return false;
}

uint64_t files_synced(const struct files *files, const struct stored_file *file)
{
    return file->synced > files->all_synced ? file->synced : files->all_synced;
}

int64_t files_buffered(const struct stored_file *file)
{
    int64_t bytes = 0;

    for (int i = 0; i < FILE_BUFFERS_MAX; i++) {
        bytes += file->buffers[i].bytes;
    }
    return bytes;
}

uint64_t files_refused(const struct stored_file *file)
{
    uint64_t bytes = 0;

    for (int i = 0; i < FILE_REFUSALS_MAX; i++) {
        bytes += file->refusals[i].bytes;
    }
    return bytes;
}

void files_forgive(struct files *files, uint64_t fetch)
{
    for (struct stored_file *file = files->list; file; file = file->next) {
        for (int i = 0; i < FILE_REFUSALS_MAX; i++) {
            if (file->refusals[i].fetch == 0 || file->refusals[i].fetch == fetch) {
                file->refusals[i].bytes = 0;
            }
        }
    }
}

static void forget_refusals(struct stored_file *file)
{
    memset(file->refusals, 0, sizeof file->refusals);
}

void files_forgive_all(struct files *files)
{
    for (struct stored_file *file = files->list; file; file = file->next) {
        forget_refusals(file);
    }
}

/* So many bytes of this command, or of unknown ones in this file, are tried again. */
static void try_again(struct files *files, const struct stored_file *here, uint64_t fetch, uint64_t bytes)
{
    for (struct stored_file *file = files->list; file; file = file->next) {
        for (int i = 0; i < FILE_REFUSALS_MAX && (fetch != 0 || file == here); i++) {
            struct file_refusal *refusal = &file->refusals[i];
            uint64_t less = fetch != 0 && refusal->fetch != fetch ? 0 : bytes;

            refusal->bytes -= refusal->bytes < less ? refusal->bytes : less;
        }
    }
}

/* An interruption is no refusal. Where there is no room to note one, it is not missed. */
static void take_refusal(struct files *files, struct stored_file *file, const struct event *event)
{
    uint64_t asked = event->arg[4] > 0 ? (uint64_t)event->arg[4] : 0;
    uint64_t taken = event->arg[5] > 0 ? (uint64_t)event->arg[5] : 0;

    try_again(files, file, event->call, asked);
    if (file->type != FILE_REGULAR || taken >= asked || event->arg[5] == -EINTR || event->arg[5] == -EAGAIN) {
        return;
    }
    for (int i = 0; i < FILE_REFUSALS_MAX; i++) {
        if (file->refusals[i].bytes == 0) {
            file->refusals[i] = (struct file_refusal){event->call, asked - taken};
            return;
        }
    }
}

bool files_is_write(const struct event *event)
{
    switch (event->arg[0]) {
    case FILE_WRITE:
    case FILE_WRITE_SYNCED:
        return event->arg[5] > 0;
    case FILE_TRUNCATE:
        return event->arg[5] >= 0 && event->arg[3] != event->arg[4];
    default:
        return false;
    }
}

static void set_path(struct files *files, struct stored_file *file, const char *path)
{
    if (path[0]) {
        free(file->path);
        file->path = strdup(path);
        files->out_of_memory = files->out_of_memory || !file->path;
    }
}

/* ---- one function an action ---- */

static void take_open(struct files *files, struct stored_file *file, const struct event *event,
                      const char *text, const struct file_source *source)
{
    (void)source;
    if (file->size > 0 && event->arg[3] == 0) {
        forget_refusals(file); /* it begins anew */
    }
    file->size = event->arg[3];
    file->gone = false;
    if (!file->path) {
        set_path(files, file, text);
    }
    if (event->arg[5] > 0) {
        file->folder = (uint64_t)event->arg[5];
        file->named = event->sequence;
    }
}

/* Within the command's place: what is written elsewhere is stored in a way of the client's own. */
static bool is_in_place(const struct event *event, const struct file_source *source)
{
    return event->arg[3] >= source->position && event->arg[5] <= source->size &&
           event->arg[3] - source->position <= source->size - event->arg[5];
}

static void take_write(struct files *files, struct stored_file *file, const struct event *event,
                       const char *text, const struct file_source *source)
{
    struct file_use *use = NULL;
    bool durable = event->arg[0] == FILE_WRITE_SYNCED;

    (void)text;
    take_refusal(files, file, event);
    if (event->arg[5] <= 0) {
        return;
    }
    if (event->arg[3] < 0 || event->arg[3] > INT64_MAX - event->arg[5]) {
        file->places_known = false;
    } else {
        int64_t end = event->arg[3] + event->arg[5];

        file->size = file->size >= 0 && end > file->size ? end : file->size;
        file->written_end = end > file->written_end ? end : file->written_end;
    }
    file->written_through = durable;
    if (source->known) {
        use = files_use(files, file, source->operation, source->device);
    } else if (!durable) {
        file->last_loose = event->sequence;
    }
    if (use) {
        use->bytes += (uint64_t)event->arg[5];
        use->last_write = durable ? use->last_write : event->sequence;
        use->misplaced = use->misplaced || !is_in_place(event, source);
    }
}

static void take_truncate(struct files *files, struct stored_file *file, const struct event *event,
                          const char *text, const struct file_source *source)
{
    (void)files;
    (void)text;
    (void)source;
    if (files_is_write(event)) {
        forget_refusals(file);
        file->size = event->arg[4];
        file->written_end = file->written_end > file->size ? file->size : file->written_end;
        file->last_loose = event->sequence;
    }
}

static void take_map(struct files *files, struct stored_file *file, const struct event *event,
                     const char *text, const struct file_source *source)
{
    (void)files;
    (void)event;
    (void)text;
    (void)source;
    file->mapped = true;
}

static void take_rename(struct files *files, struct stored_file *file, const struct event *event,
                        const char *text, const struct file_source *source)
{
    const char *to = strchr(text, '\n');

    (void)source;
    if (event->arg[5] >= 0) {
        set_path(files, file, to ? to + 1 : "");
        file->folder = (uint64_t)event->arg[5];
        file->named = event->sequence;
        file->gone = false;
    }
}

static void take_unlink(struct files *files, struct stored_file *file, const struct event *event,
                        const char *text, const struct file_source *source)
{
    (void)files;
    (void)text;
    (void)source;
    file->gone = event->arg[4] <= 0;
}

/* What left the buffer is told by a WRITE of its own. */
static void take_buffered(struct files *files, struct stored_file *file, const struct event *event,
                          const char *text, const struct file_source *source)
{
    struct file_buffer *free_one = NULL, *known = NULL;

    (void)text;
    if (source->known) {
        files_use(files, file, source->operation, source->device);
    }
    for (int i = 0; i < FILE_BUFFERS_MAX; i++) {
        struct file_buffer *buffer = &file->buffers[i];

        if (buffer->bytes && buffer->process == event->process && buffer->descriptor == event->arg[1]) {
            known = buffer;
        } else if (!buffer->bytes) {
            free_one = buffer;
        }
    }
    known = known ? known : free_one;
    if (!known) {
        files->overflow = true;
    } else if (known->bytes || event->arg[4] > 0) {
        *known = (struct file_buffer){event->process, event->arg[1], event->arg[4] > 0 ? event->arg[4] : 0};
    }
}

void files_flush_process(struct files *files, uint32_t process, uint64_t sequence)
{
    for (struct stored_file *file = files->list; file; file = file->next) {
        for (int i = 0; i < FILE_BUFFERS_MAX; i++) {
            if (file->buffers[i].bytes && file->buffers[i].process == process) {
                file->buffers[i].bytes = 0;
                file->last_loose = file->written_through ? file->last_loose : sequence;
            }
        }
    }
}

/* A sync of a file unknown may have been of any. */
static void take_sync(struct files *files, struct stored_file *file, const struct event *event)
{
    uint64_t *synced = file && event->arg[0] == FILE_SYNC_END ? &file->synced : &files->all_synced;

    if (event->arg[5] == 0 && event->call > *synced) {
        *synced = event->call;
    }
}

typedef void take_action(struct files *files, struct stored_file *file, const struct event *event,
                         const char *text, const struct file_source *source);
static take_action *const actions[] = {
    [FILE_OPEN] = take_open,         [FILE_WRITE] = take_write,       [FILE_WRITE_SYNCED] = take_write,
    [FILE_TRUNCATE] = take_truncate, [FILE_MAP] = take_map,           [FILE_RENAME] = take_rename,
    [FILE_UNLINK] = take_unlink,     [FILE_BUFFERED] = take_buffered,
};

struct stored_file *files_take(struct files *files, const struct event *event, const char *text,
                               const struct file_source *source)
{
    int64_t action = event->arg[0];
    struct stored_file *file = find_or_add(files, event);

    if (action == FILE_SYNC_END || action == FILE_SYNC_ALL_END) {
        take_sync(files, file, event);
    } else if (action == FILE_BUFFERED && event->arg[1] < 0) {
        files_flush_process(files, event->process, event->sequence);
    } else if (file && action > 0 && action < (int64_t)(sizeof actions / sizeof actions[0]) &&
               actions[action]) {
        actions[action](files, file, event, text, source);
    }
    return file;
}

void files_free(struct files *files)
{
    while (files->list) {
        struct stored_file *file = files->list;

        files->list = file->next;
        while (file->uses) {
            struct file_use *use = file->uses;

            file->uses = use->next;
            free(use);
        }
        free(file->path);
        free(file);
    }
}
