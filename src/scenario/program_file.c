/* program_file.c - see program_file.h. */
#include "program_file.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADERS_MAX = 128,
    GO_BUILD_ID = 4 /* type of the note that Go's linker writes */
};

static bool read_at(int file, void *bytes, size_t size, uint64_t offset)
{
    return pread(file, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* Notes lie one behind another, each part of them on four bytes. */
static bool has_go_note(int file, const Elf64_Phdr *segment)
{
    struct {
        Elf64_Nhdr header;
        char name[4];
    } note;
    uint64_t at = 0;
    while (at + sizeof(note) <= segment->p_filesz &&
           read_at(file, &note, sizeof(note), segment->p_offset + at)) {
        if (note.header.n_type == GO_BUILD_ID && note.header.n_namesz == sizeof(note.name) &&
            memcmp(note.name, "Go\0", sizeof(note.name)) == 0) {
            return true;
        }
        at += sizeof(note.header) + (((uint64_t)note.header.n_namesz + 3) & ~UINT64_C(3)) +
              (((uint64_t)note.header.n_descsz + 3) & ~UINT64_C(3));
    }
    return false;
}

bool program_is_go(int file)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    bool found = false;
    if (!read_at(file, &header, sizeof(header), 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
        header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(segment)) {
        return false;
    }
    for (unsigned i = 0; !found && i < header.e_phnum && i < HEADERS_MAX; i++) {
        found = read_at(file, &segment, sizeof(segment), header.e_phoff + i * sizeof(segment)) &&
                segment.p_type == PT_NOTE && has_go_note(file, &segment);
    }
    return found;
}
