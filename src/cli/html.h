/* SPDX-License-Identifier: MIT */
/*
 * An HTML text that is put together in memory. What comes from a dataset goes through
 * html_text() alone, so that no name is ever a tag. Pure memory; one thread.
 */
#ifndef CAIRN_CLI_HTML_H
#define CAIRN_CLI_HTML_H

#include "util/bytes.h"

/* Zero to begin with; bytes_release(&h->text) at the end. */
struct html {
	struct bytes text;
	int rc; /* of the first thing that failed: then nothing more is put */
};

/* As it is. */
void html_put(struct html *h, const char *markup);
/* The same, with numbers and our own words in it. At most 1023 bytes. */
void html_format(struct html *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Words of others, as content or in a quoted attribute: at most so many characters, those
 * that may not be shown as '?'. */
void html_text(struct html *h, const char *words, unsigned most);

#endif
