/* page.c - see page.h. */
#include "page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    WIDTH_MAX = 100,
    WIDTH_MIN = 40,
    LABEL = 12 /* where what follows a label starts */
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

/* `text` from `column` on, where its further lines start, too. */
static void wrap(struct page *page, int column, const char *text)
{
    int at = column;

    for (text += strspn(text, " \n"); *text != '\0'; text += strspn(text, " \n")) {
        int word = (int)strcspn(text, " \n");

        if (at > column && at + 1 + word > page->width) {
            fprintf(page->out, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(page->out, "%s%.*s", at > column ? " " : "", word, text);
        text += word;
    }
    fputc('\n', page->out);
}

void page_heading(struct page *page, enum page_tint tint, const char *heading, const char *rest)
{
    int column = (int)strlen(heading) + 2;

    fprintf(page->out, "%s%s%s%s", page->color ? tints[tint] : "", heading, page->color ? "\033[0m" : "",
            rest[0] != '\0' ? "  " : "\n");
    if (rest[0] != '\0') {
        wrap(page, column, rest);
    }
}

void page_labelled(struct page *page, const char *label, const char *text)
{
    fprintf(page->out, "  %-*s", LABEL - 2, label);
    wrap(page, LABEL, text);
}

void page_paragraph(struct page *page, const char *text)
{
    wrap(page, 0, text);
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
