/* What a stranger planted in /dev/shm under a set's name is refused, not followed and not touched; names and
 * namespaces do not lead out of /dev/shm; what we make is for its owner and group only (spec 1, Linux
 * differences). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layout.h"
#include "os.h"
#include "pair.h"

#define SHM "/dev/shm"

enum {
    PATH_MAX_HERE = 300,
    HASH = 16 /* a control object's name ends with so many digits, a function of the set's name alone */
};

static char set_name[64];
static char object_path[PATH_MAX_HERE]; /* where the control object of that set belongs */
static char elsewhere[] = "/tmp/vdifault-hostile-XXXXXX";
static uint8_t *living; /* a copy of a control object whose client lives */
static size_t living_size;

/* The one entry of /dev/shm whose name ends with `hash`, or with "" the one of our namespace. */
static uint32_t find_objects(const char *hash, char path[PATH_MAX_HERE])
{
    char prefix[64];
    uint32_t count = 0;
    snprintf(prefix, sizeof prefix, "vdifault-%s-", hash[0] == '\0' ? getenv("VDI_NAMESPACE") : "");
    DIR *folder = opendir(SHM);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t length = strlen(entry->d_name);
        bool found = hash[0] == '\0' ? strncmp(entry->d_name, prefix, strlen(prefix)) == 0
                                     : length > HASH && strcmp(entry->d_name + length - HASH, hash) == 0;
        if (found) {
            snprintf(path, PATH_MAX_HERE, SHM "/%s", entry->d_name);
            count++;
        }
    }
    closedir(folder);
    return count;
}

static struct client_set *create_set(const char *name)
{
    struct VDConfig config = {.deviceCount = 1};
    struct client_set *set = client_set_new();
    assert_int_equal(client_set_create(set, name, &config), 0);
    return set;
}

static int setup(void **unused)
{
    struct pair pair;
    struct stat st;
    (void)unused;
    pair_create(&pair, 1); /* makes a namespace of our own */
    snprintf(set_name, sizeof set_name, "%s", pair.name);
    assert_int_equal(find_objects("", object_path), 1);
    int fd = open(object_path, O_RDONLY);
    assert_int_equal(fstat(fd, &st), 0);
    living_size = (size_t)st.st_size;
    living = malloc(living_size);
    assert_int_equal(read(fd, living, living_size), living_size);
    close(fd);
    pair_free(&pair);
    fd = mkstemp(elsewhere);
    close(fd);
    return fd < 0;
}

static int teardown(void **unused)
{
    (void)unused;
    free(living);
    return unlink(elsewhere);
}

/* --- planted objects --- */

static void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0660);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

/* A set as it should be, but for one 32-bit word of its header. */
static void plant_with(size_t offset, uint32_t value)
{
    uint32_t before;
    memcpy(&before, living + offset, sizeof before);
    memcpy(living + offset, &value, sizeof value);
    write_file(object_path, living, living_size);
    memcpy(living + offset, &before, sizeof before);
}

static void plant_good(void)
{
    write_file(object_path, living, living_size);
}

static void plant_empty(void)
{
    write_file(object_path, living, 0);
}

static void plant_short(void)
{
    write_file(object_path, living, sizeof(struct shared_header) - 1);
}

static void plant_header_only(void)
{
    write_file(object_path, living, sizeof(struct shared_header));
}

static void plant_wrong_magic(void)
{
    plant_with(offsetof(struct shared_header, magic), SHARED_MAGIC + 1);
}

static void plant_wrong_version(void)
{
    plant_with(offsetof(struct shared_header, version), SHARED_VERSION + 1);
}

static void plant_wrong_size(void)
{
    plant_with(offsetof(struct shared_header, control_size), (uint32_t)living_size + 1536);
}

static void plant_no_devices(void)
{
    plant_with(offsetof(struct shared_header, device_count), 0);
}

static void plant_many_devices(void)
{
    plant_with(offsetof(struct shared_header, device_count), 64);
}

/* So many more devices that the size, counted in 32 bits, is right again. */
#define OVERFLOWING_DEVICES (1u << 26)
_Static_assert((uint32_t)(OVERFLOWING_DEVICES * sizeof(struct shared_device)) == 0, "a multiple of 2^32");
static void plant_overflowing_devices(void)
{
    plant_with(offsetof(struct shared_header, device_count), 1 + OVERFLOWING_DEVICES);
}

static void plant_other_name(void)
{
    plant_with(offsetof(struct shared_header, name), 0x78787878);
}

static void plant_endless_name(void)
{
    write_file(object_path, living, living_size);
    int fd = open(object_path, O_WRONLY);
    char name[SHARED_NAME_MAX];
    memset(name, 'x', sizeof name);
    memcpy(name, set_name, strlen(set_name));
    assert_int_equal(pwrite(fd, name, sizeof name, offsetof(struct shared_header, name)), sizeof name);
    close(fd);
}

static void plant_link(void)
{
    write_file(elsewhere, living, living_size);
    assert_int_equal(symlink(elsewhere, object_path), 0);
}

static void plant_dangling_link(void)
{
    assert_int_equal(symlink("/tmp/vdifault-there-is-no-such-file", object_path), 0);
}

static void plant_fifo(void)
{
    assert_int_equal(mkfifo(object_path, 0660), 0);
}

static void plant_folder(void)
{
    assert_int_equal(mkdir(object_path, 0770), 0);
}

static void plant_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", object_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void plant_of_another_owner(void)
{
    enum {
        NOBODY = 65534
    };
    plant_good();
    assert_int_equal(chown(object_path, NOBODY, NOBODY), 0);
    assert_int_equal(chmod(object_path, 0666), 0);
}

static const struct {
    const char *what;
    void (*plant)(void);
    bool as_root;  /* only root can */
    bool accepted; /* by who opens; by Create it never is */
} planted[] = {
    {"a living set", plant_good, false,
     true}, /* so that the others are refused for what is wrong with them */
    {"nothing", plant_empty, false, false},
    {"less than a header", plant_short, false, false},
    {"a header alone", plant_header_only, false, false},
    {"another magic", plant_wrong_magic, false, false},
    {"another version", plant_wrong_version, false, false},
    {"another size", plant_wrong_size, false, false},
    {"no devices", plant_no_devices, false, false},
    {"more devices than there is room for", plant_many_devices, false, false},
    {"2^26 devices", plant_overflowing_devices, false, false},
    {"another name", plant_other_name, false, false},
    {"a name without an end", plant_endless_name, false, false},
    {"a link to a living set", plant_link, false, false},
    {"a link to nothing", plant_dangling_link, false, false},
    {"a FIFO", plant_fifo, false, false},
    {"a folder", plant_folder, false, false},
    {"a socket", plant_socket, false, false},
    {"a living set of another owner", plant_of_another_owner, true, false},
};

static void expect(const char *what, const char *function, int result, int expected)
{
    if (result != expected) {
        fail_msg("%s: %s gives 0x%x, expected 0x%x", what, function, (unsigned)result, (unsigned)expected);
    }
}

static void test_planted_objects(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        struct VDConfig config = {.deviceCount = 1};
        struct client_set *client = client_set_new();
        struct server_set *server = server_set_new();
        struct stat before, after;
        const char *what = planted[i].what;
        if (!planted[i].as_root || geteuid() == 0) {
            planted[i].plant();
            assert_int_equal(lstat(object_path, &before), 0);
            expect(what, "Create", client_set_create(client, set_name, &config), VD_E_PROTOCOL);
            expect(what, "OpenInSecondary", client_set_open_in_secondary(client, set_name), VD_E_PROTOCOL);
            int opened = server_set_open(server, set_name);
            expect(what, "server Open", opened, planted[i].accepted ? 0 : VD_E_INVALID);
            assert_int_equal(lstat(object_path, &after), 0); /* nobody replaced or changed it */
            assert_int_equal(before.st_ino, after.st_ino);
            assert_int_equal(before.st_size, after.st_size);
            assert_int_equal(before.st_mode, after.st_mode);
        }
        server_set_free(server);
        client_set_free(client);
        remove(object_path);
        assert_int_equal(pair_objects_left(), 0);
    }
}

/* What another version left and whose client is dead holds no name (its first fields are the same in all). */
static void test_a_dead_set_of_another_version(void **unused)
{
    (void)unused;
    uint8_t *copy = malloc(living_size);
    uint32_t version = SHARED_VERSION + 1, pid;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    pid = (uint32_t)child;
    memcpy(copy, living, living_size);
    memcpy(copy + offsetof(struct shared_header, version), &version, sizeof version);
    memcpy(copy + offsetof(struct shared_header, client), &pid, sizeof pid);
    write_file(object_path, copy, SHARED_HEADER_COMMON); /* and of another size */
    client_set_free(create_set(set_name));
    assert_int_equal(pair_objects_left(), 0);
    free(copy);
}

/* --- names --- */

/* Names are hashed, so nothing in them can lead anywhere. */
static void test_set_names_stay_in_the_folder(void **unused)
{
    (void)unused;
    char longest[SHARED_NAME_MAX], high[SHARED_NAME_MAX], path[PATH_MAX_HERE];
    memset(longest, '/', sizeof longest);
    memset(high, 0xff, sizeof high);
    longest[SHARED_NAME_MAX - 1] = high[SHARED_NAME_MAX - 1] = '\0';
    const char *names[] = {"../../tmp/escaped", "/tmp/escaped", "a/b/c",     ".",     "..",
                           "\x80\xfe\xff",      "%s%n",         "new\nline", longest, high};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct server_set *server = server_set_new();
        struct client_set *set = create_set(names[i]);
        assert_int_equal(find_objects("", path), 1);
        assert_int_equal(server_set_open(server, names[i]), 0);
        assert_int_equal(client_set_close(set), 0);
        client_set_free(set);
        server_set_free(server);
        assert_int_equal(find_objects("", path), 0);
    }
    assert_int_equal(access("/tmp/escaped", F_OK), -1);
}

/* Nor can anything in the namespace: what is no letter, digit or dash is left out. */
static void test_namespaces_stay_in_the_folder(void **unused)
{
    (void)unused;
    char longest[400], path[PATH_MAX_HERE], before[64];
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *spaces[] = {"", "..", "../../tmp/x", "/", "a/b", "\xff\x80", "%s%n", "a\nb", longest};
    const char *hash = object_path + strlen(object_path) - HASH;
    snprintf(before, sizeof before, "%s", getenv("VDI_NAMESPACE"));
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
        setenv("VDI_NAMESPACE", spaces[i], 1);
        struct client_set *set = create_set(set_name);
        assert_int_equal(find_objects(hash, path), 1);
        assert_int_equal(strncmp(path, SHM "/vdifault-", strlen(SHM "/vdifault-")), 0);
        assert_int_equal(strspn(path + strlen(SHM "/"), "abcdefghijklmnopqrstuvwxyz-0123456789"),
                         strlen(path + strlen(SHM "/")));
        client_set_free(set);
        assert_int_equal(find_objects(hash, path), 0);
    }
    setenv("VDI_NAMESPACE", before, 1);
}

/* --- permissions --- */

static void expect_modes(uint32_t count)
{
    char prefix[64], path[PATH_MAX_HERE];
    struct stat st;
    snprintf(prefix, sizeof prefix, "vdifault-%s-", getenv("VDI_NAMESPACE"));
    DIR *folder = opendir(SHM);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) {
            continue;
        }
        snprintf(path, sizeof path, SHM "/%s", entry->d_name);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0660);
        assert_int_equal(st.st_uid, geteuid());
        assert_int_equal(st.st_gid, getegid());
        count--;
    }
    closedir(folder);
    assert_int_equal(count, 0);
}

static void test_objects_are_for_owner_and_group(void **unused)
{
    (void)unused;
    static const mode_t masks[] = {0, 0022, 0077, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        struct pair pair;
        mode_t before = umask(masks[i]);
        pair_create(&pair, 1);
        pair_open(&pair);
        pair_configure(&pair, 4);
        umask(before);
        expect_modes(2); /* the control object and a buffer area */
        pair_free(&pair);
    }
}

/* --- taking names away --- */

/* A stale remover of an earlier set must not keep the present owner of the name from taking it away. */
static void test_only_an_owner_locks(void **unused)
{
    (void)unused;
    const char *name = strrchr(object_path, '/') + 1;
    struct os_memory own = {0}, other = {0};
    assert_int_equal(os_memory_create(4096, &own), 0);
    assert_int_equal(os_memory_create(4096, &other), 0);
    assert_int_equal(os_memory_publish(&own, name), 0);
    int owner = open(object_path, O_RDWR);
    assert_int_equal(flock(owner, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(os_memory_unlink_own(name, &other), ENOENT); /* told by a look, without the lock */
    close(owner);
    assert_int_equal(os_memory_unlink_own(name, &own), 0);
    assert_int_equal(os_memory_unlink_own(name, &own), ENOENT);
    os_memory_unmap(&own);
    os_memory_unmap(&other);
}

/* Whoever was taking the name away died before it was gone: the closed set is no living one, though the process
 * that was its client lives. */
static void test_a_closed_set_does_not_keep_its_name(void **unused)
{
    (void)unused;
    struct client_set *set = create_set(set_name);
    int other = open(object_path, O_RDWR);
    assert_int_equal(flock(other, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(client_set_close(set), 0); /* waits for a while, not for ever */
    assert_int_equal(pair_objects_left(), 1);
    close(other);
    client_set_free(set);
    set = create_set(set_name);
    client_set_free(set);
    assert_int_equal(pair_objects_left(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted_objects),
        cmocka_unit_test(test_a_dead_set_of_another_version),
        cmocka_unit_test(test_set_names_stay_in_the_folder),
        cmocka_unit_test(test_namespaces_stay_in_the_folder),
        cmocka_unit_test(test_objects_are_for_owner_and_group),
        cmocka_unit_test(test_only_an_owner_locks),
        cmocka_unit_test(test_a_closed_set_does_not_keep_its_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
