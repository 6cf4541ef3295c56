/* The media of the disk and tape clients: positions, filemarks, volumes, and what each command answers (spec 5.7,
 * 6.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "media.h"
#include "vdi.h"

enum {
    UNIT = 512,
    BYTES = 16 * UNIT
};

static char folder[] = "/tmp/vdifault-media-XXXXXX";

static int make_folder(void **unused)
{
    (void)unused;
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **unused)
{
    char command[64];
    (void)unused;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct volume volume_in_folder(bool writing)
{
    struct volume volume = {.writing = writing, .removable = true, .unit = UNIT};
    snprintf(volume.stem, sizeof volume.stem, "%s/medium", folder);
    return volume;
}

/* Blocks `first`, `first` + 1... of a stream in which each differs. */
static uint8_t *blocks(int first, int count)
{
    static uint8_t data[BYTES];
    assert_true(count * UNIT <= BYTES);
    for (int i = 0; i < count; i++) {
        memset(data + i * UNIT, first + i + 1, UNIT);
    }
    return data;
}

/* ---- tape ---- */

static struct tape open_tape(bool writing)
{
    struct tape tape = {.volume = volume_in_folder(writing)};
    assert_int_equal(tape_open(&tape), ERROR_SUCCESS);
    return tape;
}

static void expect_write(struct tape *tape, int first, int count, int code, int stored)
{
    size_t done = 99;
    assert_int_equal(tape_write(tape, blocks(first, count), (size_t)count * UNIT, &done), code);
    assert_int_equal(done, stored * UNIT);
}

static void expect_read(struct tape *tape, int asked, int code, int first, int count)
{
    uint8_t data[BYTES];
    size_t done = 99;
    assert_int_equal(tape_read(tape, data, (size_t)asked * UNIT, &done), code);
    assert_int_equal(done, count * UNIT);
    assert_memory_equal(data, blocks(first, count), done);
}

/* Blocks 0 to 3, mark, block 4, mark, mark, blocks 5 and 6: addresses 0-3, 4, 5, 6, 7, 8-9. */
static struct tape recorded(void)
{
    struct tape tape = open_tape(true);
    expect_write(&tape, 0, 4, ERROR_SUCCESS, 4);
    assert_int_equal(tape_write_mark(&tape), ERROR_SUCCESS);
    expect_write(&tape, 4, 1, ERROR_SUCCESS, 1);
    assert_int_equal(tape_write_mark(&tape), ERROR_SUCCESS);
    assert_int_equal(tape_write_mark(&tape), ERROR_SUCCESS);
    expect_write(&tape, 5, 2, ERROR_SUCCESS, 2);
    assert_int_equal(tape.position, 10);
    assert_int_equal(tape_flush(&tape), ERROR_SUCCESS);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    return open_tape(false);
}

static void test_tape_reads_up_to_marks(void **unused)
{
    (void)unused;
    struct tape tape = recorded();
    expect_read(&tape, 3, ERROR_SUCCESS, 0, 3);
    expect_read(&tape, 4, CLIENT_ERROR_FILEMARK_DETECTED, 3, 1);
    expect_read(&tape, 1, ERROR_SUCCESS, 4, 1); /* ends just before a mark: that is no end condition */
    expect_read(&tape, 1, CLIENT_ERROR_FILEMARK_DETECTED, 0, 0);
    expect_read(&tape, 1, CLIENT_ERROR_FILEMARK_DETECTED, 0, 0);
    expect_read(&tape, 4, ERROR_HANDLE_EOF, 5, 2);
    expect_read(&tape, 4, ERROR_HANDLE_EOF, 0, 0);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
}

static void test_tape_moves(void **unused)
{
    (void)unused;
    static const struct {
        int64_t from;
        bool marks;
        int64_t count;
        int code;
        int64_t to;
    } moves[] = {
        {0, true, 1, ERROR_SUCCESS, 5},
        {0, true, 3, ERROR_SUCCESS, 8},
        {0, true, 4, CLIENT_ERROR_NO_DATA_DETECTED, 10},
        {4, true, 1, ERROR_SUCCESS, 5},
        {5, true, -1, ERROR_SUCCESS, 4},
        {10, true, -3, ERROR_SUCCESS, 4},
        {10, true, -4, CLIENT_ERROR_BEGINNING_OF_MEDIA, 0},
        {3, true, 0, ERROR_SUCCESS, 3},
        {1, false, 3, ERROR_SUCCESS, 4},
        {1, false, 4, CLIENT_ERROR_FILEMARK_DETECTED, 5},
        {5, false, 2, CLIENT_ERROR_FILEMARK_DETECTED, 7},
        {8, false, 2, ERROR_SUCCESS, 10},
        {8, false, 3, CLIENT_ERROR_NO_DATA_DETECTED, 10},
        {9, false, -1, ERROR_SUCCESS, 8},
        {9, false, -2, CLIENT_ERROR_FILEMARK_DETECTED, 7},
        {6, false, -2, CLIENT_ERROR_FILEMARK_DETECTED, 4},
        {3, false, -3, ERROR_SUCCESS, 0},
        {3, false, -4, CLIENT_ERROR_BEGINNING_OF_MEDIA, 0},
    };
    struct tape tape = recorded();
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        assert_int_equal(tape_set_position(&tape, moves[i].from), ERROR_SUCCESS);
        int code =
            moves[i].marks ? tape_skip_marks(&tape, moves[i].count) : tape_skip_blocks(&tape, moves[i].count);
        if (code != moves[i].code || tape.position != moves[i].to) {
            fail_msg("move %zu: %d at %ld, expected %d at %ld", i, code, (long)tape.position, moves[i].code,
                     (long)moves[i].to);
        }
    }
    assert_int_equal(tape_set_position(&tape, 11), CLIENT_ERROR_SEEK);
    assert_int_equal(tape_set_position(&tape, 5), ERROR_SUCCESS);
    expect_read(&tape, 1, ERROR_SUCCESS, 4, 1);
    assert_int_equal(tape_rewind(&tape), ERROR_SUCCESS);
    expect_read(&tape, 4, ERROR_SUCCESS, 0, 4);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
}

static void test_writing_ends_the_tape(void **unused)
{
    (void)unused;
    struct tape tape = recorded();
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    tape = open_tape(true);
    assert_int_equal(tape_skip_marks(&tape, 1), ERROR_SUCCESS);
    expect_write(&tape, 9, 2, ERROR_SUCCESS, 2);
    assert_int_equal(tape_flush(&tape), ERROR_SUCCESS);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    tape = open_tape(false);
    expect_read(&tape, 8, CLIENT_ERROR_FILEMARK_DETECTED, 0, 4);
    expect_read(&tape, 8, ERROR_HANDLE_EOF, 9, 2);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
}

static void test_tape_of_another_block_size(void **unused)
{
    (void)unused;
    struct tape tape = recorded();
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    tape = (struct tape){.volume = volume_in_folder(false)};
    tape.volume.unit = 1024;
    assert_int_equal(tape_open(&tape), CLIENT_ERROR_READ_FAULT);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    tape.volume = volume_in_folder(true);
    tape.volume.unit = 1024;
    assert_int_equal(tape_open(&tape), ERROR_SUCCESS);
    assert_int_equal(tape_skip_marks(&tape, 1), CLIENT_ERROR_NO_DATA_DETECTED);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
}

static void test_volumes(void **unused)
{
    (void)unused;
    struct tape tape = {.volume = volume_in_folder(true)};
    tape.volume.capacity = 8 * UNIT;
    tape.volume.warning = 3 * UNIT;
    tape.volume.last = 2;
    assert_int_equal(tape_open(&tape), ERROR_SUCCESS);
    expect_write(&tape, 0, 5, ERROR_SUCCESS, 5);
    expect_write(&tape, 5, 1, CLIENT_ERROR_END_OF_MEDIA, 1);
    expect_write(&tape, 6, 1, CLIENT_ERROR_END_OF_MEDIA, 1);
    expect_write(&tape, 7, 2, CLIENT_ERROR_END_OF_MEDIA, 1);
    expect_write(&tape, 8, 1, CLIENT_ERROR_END_OF_MEDIA, 0); /* nothing after a Write that was cut short */
    assert_int_equal(tape_load(&tape), ERROR_SUCCESS);
    expect_write(&tape, 8, 8, ERROR_SUCCESS, 8); /* of the last volume there is nothing to warn of */
    expect_write(&tape, 16, 1, CLIENT_ERROR_EOM_OVERFLOW, 0);
    assert_int_equal(tape_load(&tape), CLIENT_ERROR_NO_MEDIA_IN_DRIVE);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    tape = open_tape(false);
    expect_read(&tape, 6, ERROR_SUCCESS, 0, 6);
    expect_read(&tape, 6, ERROR_HANDLE_EOF, 6, 2);
    assert_int_equal(tape_load(&tape), ERROR_SUCCESS);
    expect_read(&tape, 9, ERROR_HANDLE_EOF, 8, 8);
    assert_int_equal(tape_load(&tape), CLIENT_ERROR_NO_MEDIA_IN_DRIVE);
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
}

/* What is no image of ours is refused, whatever it says of itself. */
static void test_damaged_label(void **unused)
{
    (void)unused;
    struct tape tape = recorded();
    assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    for (int field = 0; field < 4; field++) {
        struct tape damaged = open_tape(true);
        size_t done;
        switch (field) {
        case 0:
            damaged.label.magic[0] = 'X';
            break;
        case 1:
            damaged.label.mark_count = TAPE_MARKS_MAX + 1;
            break;
        case 2:
            damaged.label.end = 7;
            break;
        case 3:
            damaged.label.marks[1] = damaged.label.marks[0];
            break;
        }
        volume_move(&damaged.volume, true, 0, (uint8_t *)&damaged.label, sizeof damaged.label, &done);
        assert_int_equal(tape_close(&damaged), ERROR_SUCCESS);
        damaged.volume = volume_in_folder(false);
        assert_int_equal(tape_open(&damaged), CLIENT_ERROR_READ_FAULT);
        assert_int_equal(tape_close(&damaged), ERROR_SUCCESS);
        tape = recorded();
        assert_int_equal(tape_close(&tape), ERROR_SUCCESS);
    }
}

/* ---- disk ---- */

static struct disk open_disk(bool writing)
{
    struct disk disk = {.volume = volume_in_folder(writing)};
    assert_int_equal(disk_open(&disk), ERROR_SUCCESS);
    return disk;
}

static void test_disk_positions(void **unused)
{
    (void)unused;
    struct disk disk = open_disk(true);
    uint8_t data[BYTES];
    size_t done;
    assert_int_equal(disk_write(&disk, 2 * UNIT, blocks(2, 2), 2 * UNIT, &done), ERROR_SUCCESS);
    assert_int_equal(disk.position, 4 * UNIT);
    assert_int_equal(disk_write(&disk, 0, blocks(0, 2), 2 * UNIT, &done), ERROR_SUCCESS);
    assert_int_equal(disk.position, 2 * UNIT);
    assert_int_equal(disk_set_position(&disk, VDC_Current, UNIT), ERROR_SUCCESS);
    assert_int_equal(disk.position, 3 * UNIT);
    assert_int_equal(disk_set_position(&disk, VDC_End, -UNIT / 2), ERROR_SUCCESS);
    assert_int_equal(disk.position, 4 * UNIT - UNIT / 2);
    assert_int_equal(disk_set_position(&disk, VDC_Beginning, 7), ERROR_SUCCESS);
    assert_int_equal(disk_set_position(&disk, VDC_Current, -8), CLIENT_ERROR_NEGATIVE_SEEK);
    assert_int_equal(disk_set_position(&disk, VDC_Current, INT64_MAX), CLIENT_ERROR_NEGATIVE_SEEK);
    assert_int_equal(disk_set_position(&disk, 3, 0), CLIENT_ERROR_INVALID_PARAMETER);
    assert_int_equal(disk.position, 7);
    assert_int_equal(disk_flush(&disk), ERROR_SUCCESS);
    assert_int_equal(disk_close(&disk), ERROR_SUCCESS);
    disk = open_disk(false);
    assert_int_equal(disk_read(&disk, 3 * UNIT, data, 2 * UNIT, &done), ERROR_HANDLE_EOF);
    assert_int_equal(done, UNIT);
    assert_memory_equal(data, blocks(3, 1), UNIT);
    assert_int_equal(disk_read(&disk, 9 * UNIT, data, UNIT, &done), ERROR_HANDLE_EOF);
    assert_int_equal(done, 0);
    assert_int_equal(disk_read(&disk, 0, data, 4 * UNIT, &done), ERROR_SUCCESS);
    assert_memory_equal(data, blocks(0, 4), 4 * UNIT);
    assert_int_equal(disk_close(&disk), ERROR_SUCCESS);
}

static int64_t length_after(int count, bool flush)
{
    struct disk disk = open_disk(true);
    size_t done;
    assert_int_equal(disk_write(&disk, 0, blocks(0, count), (size_t)count * UNIT, &done), ERROR_SUCCESS);
    if (flush) {
        assert_int_equal(disk_write(&disk, 0, blocks(0, 1), UNIT, &done), ERROR_SUCCESS);
        assert_int_equal(disk_flush(&disk), ERROR_SUCCESS);
    }
    assert_int_equal(disk_close(&disk), ERROR_SUCCESS);
    disk = open_disk(false);
    assert_int_equal(disk_close(&disk), ERROR_SUCCESS);
    return disk.end;
}

/* Of an older, longer file nothing is left; a header written again at the start cuts nothing off. */
static void test_flush_ends_the_file(void **unused)
{
    (void)unused;
    assert_int_equal(length_after(8, true), 8 * UNIT);
    assert_int_equal(length_after(3, false), 8 * UNIT);
    assert_int_equal(length_after(3, true), 3 * UNIT);
}

static void test_full_disks(void **unused)
{
    (void)unused;
    struct disk disk = {.volume = volume_in_folder(true)};
    size_t done;
    disk.volume.capacity = 4 * UNIT;
    disk.volume.removable = false;
    assert_int_equal(disk_open(&disk), ERROR_SUCCESS);
    assert_int_equal(disk_write(&disk, 0, blocks(0, 3), 3 * UNIT, &done), ERROR_SUCCESS);
    assert_int_equal(disk_write(&disk, 3 * UNIT, blocks(3, 2), 2 * UNIT, &done), ERROR_DISK_FULL);
    assert_int_equal(done, UNIT);
    assert_int_equal(disk_load(&disk), ERROR_NOT_SUPPORTED);
    assert_int_equal(disk_close(&disk), ERROR_SUCCESS);

    disk.volume.removable = true;
    disk.volume.warning = UNIT + 1;
    assert_int_equal(disk_open(&disk), ERROR_SUCCESS);
    assert_int_equal(disk_write(&disk, 0, blocks(0, 3), 3 * UNIT, &done), CLIENT_ERROR_END_OF_MEDIA);
    assert_int_equal(done, 3 * UNIT);
    assert_int_equal(disk_write(&disk, 9 * UNIT, blocks(9, 1), UNIT, &done), CLIENT_ERROR_END_OF_MEDIA);
    assert_int_equal(done, 0);
    assert_int_equal(disk.end, 3 * UNIT); /* what was not stored makes the file no longer */
    assert_int_equal(disk_load(&disk), ERROR_SUCCESS);
    assert_int_equal(disk.volume.number, 2);
    assert_int_equal(disk.position, 0);
    assert_int_equal(disk_close(&disk), ERROR_SUCCESS);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_tape_reads_up_to_marks),
        IN_FOLDER(test_tape_moves),
        IN_FOLDER(test_writing_ends_the_tape),
        IN_FOLDER(test_tape_of_another_block_size),
        IN_FOLDER(test_volumes),
        IN_FOLDER(test_damaged_label),
        IN_FOLDER(test_disk_positions),
        IN_FOLDER(test_flush_ends_the_file),
        IN_FOLDER(test_full_disks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
