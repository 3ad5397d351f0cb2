/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdint.h>
#include <string.h>

#include "util/printable.h"

/* The length of a character by its first byte, and the least that so many bytes may
 * encode; 0: no character begins so. */
static size_t length_of(unsigned char first, uint32_t *bits, uint32_t *least)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t least;
	} forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800},
		{0xf8, 0xf0, 0x10000}};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
		if ((first & forms[i].mask) == forms[i].lead) {
			*bits = first & (unsigned char)~forms[i].mask;
			*least = forms[i].least;
			return i + 1;
		}
	return 0;
}

/* Unicode's controls, and what it calls Bidi_Control; the separators of lines and
 * paragraphs. */
static bool steers(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0, 0x1f}, {0x7f, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f},
		{0x2028, 0x202e}, {0x2066, 0x2069}};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

size_t printable_next(const char *text, size_t size, bool *good)
{
	uint32_t c = 0, least = 0;
	size_t length = length_of((unsigned char)text[0], &c, &least);

	*good = false;
	if (length == 0 || length > size)
		return 1;
	for (size_t i = 1; i < length; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 1;
	*good = !steers(c);
	return length;
}

void printable_clean(char *text)
{
	size_t left = strlen(text);
	char *to = text;
	bool good;

	while (left > 0) {
		size_t length = printable_next(text, left, &good);

		if (good)
			memmove(to, text, length);
		else
			*to = '?';
		to += good ? length : 1;
		text += length;
		left -= length;
	}
	*to = '\0';
}
