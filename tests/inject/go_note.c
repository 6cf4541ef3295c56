/* go_note.c - the note that Go's linker writes into its programs, for one that is not. */
#include <stdint.h>

__attribute__((used, aligned(4), section(".note.go.buildid"))) static const struct {
    uint32_t name_size, size, type;
    char name[4], text[4];
} note = {4, 4, 4, "Go", "none"};
