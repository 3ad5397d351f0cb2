/* SPDX-License-Identifier: MIT */
/*
 * JSON for programs, as every --json prints it: in ASCII alone, so that no name and no
 * server's words reach a terminal as what steers it, and no program needs to know which
 * characters those are. One thread; writes to stdout.
 */
#ifndef CAIRN_CLI_JSON_OUTPUT_H
#define CAIRN_CLI_JSON_OUTPUT_H

#include <jansson.h>
#include <stdint.h>

/* Prints it, with jansson's flags (JSON_COMPACT, JSON_INDENT, ...), and ends the line.
 * Takes the reference over; NULL: it could not be made. ERR_NO_MEMORY;
 * ERR_IO, which command_end() tells of. */
int json_output(json_t *value, size_t flags);
/* A sentence, with what of it is no UTF-8 or may not be shown as '?': the caller's
 * reference; NULL without memory. Names that are to be used again are json_byte_string's.
 */
json_t *json_output_words(const char *text);
/* A number: above 2^53, where other programs' are no longer exact, as a string. */
json_t *json_output_number(uint64_t n);

#endif
