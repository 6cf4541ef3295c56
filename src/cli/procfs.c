/* procfs.c - reading /proc. */
#include "procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void file_path(char *path, size_t size, const char *root, pid_t pid, const char *file)
{
    snprintf(path, size, "%s/%d/%s", root, (int)pid, file);
}

ssize_t proc_read(const char *root, pid_t pid, const char *file, char *text, size_t size)
{
    char path[PATH_MAX];
    file_path(path, sizeof path, root, pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t length = 0;
    ssize_t got = 0;
    while (length + 1 < size && (got = read(fd, text + length, size - 1 - length)) > 0) {
        length += (size_t)got;
    }
    close(fd);
    text[length] = '\0';
    return got < 0 ? -1 : (ssize_t)length;
}

/* What the kernel gives in one piece. */
static ssize_t read_once(const char *root, pid_t pid, const char *file, char *text, size_t size)
{
    char path[PATH_MAX];
    file_path(path, sizeof path, root, pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, size - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    text[length > 0 ? length : 0] = '\0';
    return length;
}

bool proc_link(const char *root, pid_t pid, const char *file, char *text, size_t size)
{
    char path[PATH_MAX];
    file_path(path, sizeof path, root, pid, file);
    ssize_t length = readlink(path, text, size - 1);
    if (length < 0) {
        return false;
    }
    text[length] = '\0';
    return true;
}

int proc_stat_read(const char *root, pid_t pid, pid_t thread, struct proc_stat *stat)
{
    char file[48] = "stat";
    char text[1024];
    int parent = 0;
    unsigned long long user = 0;
    unsigned long long system = 0;
    if (thread != 0) {
        snprintf(file, sizeof file, "task/%d/stat", (int)thread);
    }
    if (read_once(root, pid, file, text, sizeof text) <= 0) {
        return -1;
    }
    /* The name in parentheses may hold anything; the last parenthesis ends it. */
    const char *rest = strrchr(text, ')');
    if (rest == NULL || sscanf(rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &stat->state,
                               &parent, &user, &system) != 4) {
        return -1;
    }
    stat->pid = thread != 0 ? thread : pid;
    stat->parent = (pid_t)parent;
    stat->cpu_ticks = user + system;
    return 0;
}

/* Calls `visit` for each entry of the folder that is a number. */
static int each_number(const char *path, proc_visit *visit, void *context)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return errno;
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char *end = NULL;
        long number = strtol(entry->d_name, &end, 10);
        if (isdigit((unsigned char)entry->d_name[0]) && *end == '\0' && number >= 0 && number <= INT_MAX) {
            visit(context, (pid_t)number);
        }
    }
    closedir(folder);
    return 0;
}

int proc_each_thread(const char *root, pid_t pid, proc_visit *visit, void *context)
{
    char path[PATH_MAX];
    file_path(path, sizeof path, root, pid, "task");
    return each_number(path, visit, context);
}

int proc_each_descriptor(const char *root, pid_t pid, proc_visit *visit, void *context)
{
    char path[PATH_MAX];
    file_path(path, sizeof path, root, pid, "fd");
    return each_number(path, visit, context);
}

enum proc_mapping proc_mapping(const char *root, pid_t pid, uint64_t address)
{
    char path[PATH_MAX];
    enum proc_mapping found = PROC_MAPPING_UNKNOWN;
    file_path(path, sizeof path, root, pid, "maps");
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return found;
    }
    char *line = NULL;
    size_t capacity = 0;
    while (found == PROC_MAPPING_UNKNOWN && getline(&line, &capacity, file) > 0) {
        uint64_t begin = 0;
        uint64_t end = 0;
        char share = 0;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c", &begin, &end, &share) == 3 && address >= begin &&
            address < end) {
            found = share == 'p' ? PROC_MAPPING_PRIVATE : PROC_MAPPING_SHARED;
        }
    }
    free(line);
    fclose(file);
    return found;
}

bool proc_has_mapped(const char *root, pid_t pid, const char *name)
{
    char path[PATH_MAX];
    bool found = false;
    file_path(path, sizeof path, root, pid, "maps");
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t capacity = 0;
    size_t length = strlen(name);
    while (file != NULL && !found && getline(&line, &capacity, file) > 0) {
        const char *base = strrchr(line, '/');
        found = base != NULL && strncmp(base + 1, name, length) == 0 && base[1 + length] == '\n';
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

struct table_reader {
    const char *root;
    struct proc_table *table;
    size_t capacity;
    int error;
};

static void read_row(void *context, pid_t pid)
{
    struct table_reader *reader = context;
    struct proc_table *table = reader->table;
    struct proc_stat stat;
    if (reader->error != 0 || proc_stat_read(reader->root, pid, 0, &stat) != 0) {
        return;
    }
    if (table->count == reader->capacity) {
        size_t capacity = reader->capacity == 0 ? 256 : reader->capacity * 2;
        struct proc_stat *rows = realloc(table->rows, capacity * sizeof *rows);
        if (rows == NULL) {
            reader->error = ENOMEM;
            return;
        }
        table->rows = rows;
        reader->capacity = capacity;
    }
    table->rows[table->count++] = stat;
}

int proc_table_read(const char *root, struct proc_table *table)
{
    struct table_reader reader = {.root = root, .table = table};
    *table = (struct proc_table){0};
    int error = each_number(root, read_row, &reader);
    return error != 0 ? error : reader.error;
}

void proc_table_free(struct proc_table *table)
{
    free(table->rows);
    *table = (struct proc_table){0};
}

const struct proc_stat *proc_table_find(const struct proc_table *table, pid_t pid)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].pid == pid) {
            return &table->rows[i];
        }
    }
    return NULL;
}

bool proc_table_is_below(const struct proc_table *table, pid_t pid, pid_t ancestor)
{
    /* The table is no snapshot: a loop through reused numbers must end, too. */
    for (size_t depth = 0; depth < table->count; depth++) {
        const struct proc_stat *row = proc_table_find(table, pid);
        if (row == NULL || row->parent == 0) {
            return false;
        }
        if (row->parent == ancestor) {
            return true;
        }
        pid = row->parent;
    }
    return false;
}

bool proc_runs(const char *root, pid_t pid, const char *program)
{
    char path[PATH_MAX];
    return program != NULL && proc_link(root, pid, "exe", path, sizeof path) && strcmp(path, program) == 0;
}

bool proc_environment(const char *root, pid_t pid, const char *name, char *value, size_t size)
{
    char path[PATH_MAX];
    file_path(path, sizeof path, root, pid, "environ");
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    char *entry = NULL;
    size_t capacity = 0;
    size_t length = strlen(name);
    bool found = false;
    while (!found && getdelim(&entry, &capacity, '\0', file) > 0) {
        if (strncmp(entry, name, length) == 0 && entry[length] == '=') {
            snprintf(value, size, "%s", entry + length + 1);
            found = true;
        }
    }
    free(entry);
    fclose(file);
    return found;
}

void proc_command_line(const char *root, pid_t pid, char *text, size_t size)
{
    ssize_t length = proc_read(root, pid, "cmdline", text, size);
    if (length <= 0) {
        length = proc_read(root, pid, "comm", text, size);
    }
    if (length <= 0) {
        snprintf(text, size, "process %d", (int)pid);
        return;
    }
    while (length > 0 && (text[length - 1] == '\0' || text[length - 1] == '\n')) {
        length--;
    }
    text[length] = '\0';
    for (ssize_t i = 0; i < length; i++) {
        if (text[i] == '\0') {
            text[i] = ' ';
        } else if (!isprint((unsigned char)text[i])) {
            text[i] = '?';
        }
    }
}
