/* SPDX-License-Identifier: MIT */
/* Sizes and numbers as people write them in options, and read them in summaries. Pure. */
#ifndef CAIRN_CLI_SIZE_H
#define CAIRN_CLI_SIZE_H

#include <stdint.h>

/* "1.5G", "64M", "1000", "10GiB": bytes, with binary suffixes k M G T P. ERR_INVALID. */
int size_parse(const char *text, uint64_t *bytes);
/* A whole number up to `max`. ERR_INVALID. */
int number_parse(const char *text, uint64_t max, uint64_t *out);

#define SIZE_TEXT 24
/* "1.4 GiB"; returns `text`. */
const char *size_text(uint64_t bytes, char text[SIZE_TEXT]);

#endif
