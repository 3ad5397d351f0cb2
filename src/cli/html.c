/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/printable.h"

#define FORMAT_MAX 1024

static void html_append(struct html *h, const void *data, size_t size)
{
	if (!h->rc)
		h->rc = bytes_append(&h->text, data, size);
}

void html_put(struct html *h, const char *markup)
{
	html_append(h, markup, strlen(markup));
}

void html_format(struct html *h, const char *fmt, ...)
{
	char text[FORMAT_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	html_put(h, text);
}

static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_text(struct html *h, const char *words, unsigned most)
{
	size_t left = strlen(words);
	bool good;

	for (; left > 0 && most > 0; most--) {
		size_t n = printable_next(words, left, &good);
		const char *entity = good && n == 1 ? entity_of(*words) : NULL;

		if (entity)
			html_put(h, entity);
		else if (good)
			html_append(h, words, n);
		else
			html_put(h, "?");
		words += n;
		left -= n;
	}
	if (left > 0)
		html_put(h, "\xe2\x80\xa6");
}
