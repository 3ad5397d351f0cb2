/* SPDX-License-Identifier: MIT */
/*
 * Writes canonical JSON without building a value first: pages and recipes have one row
 * per entry or chunk. A failed allocation sticks, so that a writer asks once, at the end.
 * Pure; one thread at a time.
 */
#ifndef CAIRN_FORMAT_JSON_TEXT_H
#define CAIRN_FORMAT_JSON_TEXT_H

#include "util/bytes.h"
#include "util/digest.h"

/* Zero-initialised is empty; release with bytes_release(&text). */
struct json_text {
	struct bytes text;
	bool failed; /* out of memory: the text is not whole */
};

/* As it stands: brackets, commas, member names. */
void json_text_raw(struct json_text *w, const char *s);
void json_text_unsigned(struct json_text *w, uint64_t value);
void json_text_signed(struct json_text *w, int64_t value);
/* In quotes. */
void json_text_digest(struct json_text *w, const struct digest *d);
/* As json_byte_string(), with jansson's escapes. */
void json_text_byte_string(struct json_text *w, struct span s);
/* The text of `part` behind that of `w`. */
void json_text_join(struct json_text *w, const struct json_text *part);
/* Empties without giving back the memory. */
void json_text_clear(struct json_text *w);

#endif
