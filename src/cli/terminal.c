/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/terminal.h"

#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#define COLUMNS_DEFAULT 80

unsigned terminal_columns(int fd)
{
	struct winsize w;

	if (ioctl(fd, TIOCGWINSZ, &w) || w.ws_col == 0)
		return COLUMNS_DEFAULT;
	return w.ws_col;
}

/* The bytes of the character that `text` begins, and its columns; of bytes that are none in
 * this locale, one each. */
static size_t next_character(const char *text, size_t size, unsigned *columns)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n = mbrtowc(&c, text, size, &state);
	int width = n && n <= size ? wcwidth(c) : -1;

	*columns = width < 0 ? 1 : (unsigned)width;
	return n && n <= size ? n : 1;
}

/* How many bytes of the line fit. */
static size_t fitting(const char *line, size_t size, unsigned columns)
{
	size_t at = 0;

	while (at < size) {
		unsigned width;
		size_t n = next_character(line + at, size - at, &width);

		if (width > columns)
			break;
		columns -= width;
		at += n;
	}
	return at;
}

void terminal_put_lines(FILE *out, const char *text, unsigned columns)
{
	while (*text) {
		size_t size = strcspn(text, "\n");

		fwrite(text, 1, fitting(text, size, columns), out);
		text += size;
		if (*text)
			putc(*text++, out);
	}
}
