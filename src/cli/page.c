/* page.c - see page.h. */
#include "page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wrap.h"

enum {
    WIDTH_MAX = 100,
    WIDTH_MIN = 40
};

static const char *const tints[] = {
    [PAGE_PLAIN] = "\033[1m", [PAGE_RED] = "\033[1;31m", [PAGE_GREEN] = "\033[1;32m"};

void page_start(struct page *page, FILE *out)
{
    struct winsize size = {0};
    int fd = fileno(out); /* -1: in memory */
    bool terminal = fd >= 0 && isatty(fd) != 0;

    *page = (struct page){.out = out, .color = terminal && getenv("NO_COLOR") == NULL, .width = WIDTH_MAX};
    if (terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_col < WIDTH_MAX) {
        page->width = size.ws_col > WIDTH_MIN ? size.ws_col : WIDTH_MIN;
    }
}

void page_heading(struct page *page, enum page_tint tint, const char *heading, const char *rest)
{
    int column = (int)strlen(heading) + 2;

    fprintf(page->out, "%s%s%s%s", page->color ? tints[tint] : "", heading, page->color ? "\033[0m" : "",
            rest[0] != '\0' ? "  " : "\n");
    if (rest[0] != '\0') {
        wrap_words(page->out, page->width, column, column, rest);
    }
}

void page_labelled(struct page *page, const char *label, const char *text)
{
    wrap_labelled(page->out, page->width, label, text);
}

void page_paragraph(struct page *page, const char *text)
{
    wrap_words(page->out, page->width, 0, 0, text);
}

void page_code(struct page *page, const char *text, size_t length)
{
    const char *end = text + length;

    while (text < end) {
        size_t line = strcspn(text, "\n");

        fprintf(page->out, "%s%.*s\n", line > 0 ? "    " : "", (int)line, text);
        text += line + 1;
    }
}
