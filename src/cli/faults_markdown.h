/* faults_markdown.h - the fault catalogue as Markdown. Threads: one. */
#ifndef VDIFAULT_FAULTS_MARKDOWN_H
#define VDIFAULT_FAULTS_MARKDOWN_H

#include <stdio.h>

/* 0, or that the stream failed. */
int faults_markdown(FILE *out);

#endif
