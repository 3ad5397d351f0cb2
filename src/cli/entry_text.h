/* SPDX-License-Identifier: MIT */
/*
 * Entries as text for people and as JSON for programs: what ls, stat, cache ls and others
 * print. Any thread; no I/O but put_name()'s.
 */
#ifndef CAIRN_CLI_ENTRY_TEXT_H
#define CAIRN_CLI_ENTRY_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "format/entry.h"

/* "-rwxr-xr-x" */
#define MODE_TEXT 11
void mode_text(const struct entry *e, char text[MODE_TEXT]);
/* "2026-11-23 06:14:01.123456789 +0000", in the local time zone; "@SECONDS.NSEC" when it
 * has no such form. */
#define TIME_TEXT 64
void time_text(int64_t seconds, uint32_t nsec, char text[TIME_TEXT]);
/* Bytes as a terminal can bear them: control bytes and, when they are not UTF-8, high
 * ones as \ooo. To a pipe they go out as they are, like ls(1). */
void put_name(FILE *out, struct span name);
/* "file", "directory", ...; static. */
const char *type_text(enum entry_type type);
/* Parent and name as one path, "" for the root: heap; NULL without memory. */
char *entry_path_text(const struct entry *e);
/* All that is known, for --json; names by json_byte_string. The caller's reference;
 * NULL without memory. */
json_t *entry_json(const struct entry *e);

#endif
