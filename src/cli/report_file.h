/* report_file.h - a JSON report of run or sweep, read from a file. */
#ifndef VDIFAULT_REPORT_FILE_H
#define VDIFAULT_REPORT_FILE_H

#include <jansson.h>

/* The report in the file; the caller's. CLI_CLEAN, or CLI_USAGE after a message that names the file and the place. */
int report_file_load(const char *verb, const char *path, json_t **report);

#endif
