/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cli/size.h"
#include "util/clock.h"
#include "util/printable.h"

#define BAR_WIDTH 24
#define LINE_MAX_SIZE 256

struct progress {
	const char *what;
	int64_t began, drawn;
	uint64_t first; /* done at the first call: a resumed wait has a head start */
	int started;
};

struct progress *progress_new(const char *what)
{
	struct progress *p;

	if (!isatty(STDERR_FILENO))
		return NULL;
	p = calloc(1, sizeof *p);
	if (p) {
		p->what = what;
		p->began = clock_monotonic();
	}
	return p;
}

static int terminal_width(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col < 20)
		return 80;
	return w.ws_col < LINE_MAX_SIZE ? w.ws_col : LINE_MAX_SIZE - 1;
}

static int draw_bar(char *line, size_t size, uint64_t done, uint64_t total)
{
	char bar[BAR_WIDTH + 1];
	double share = done < total ? (double)done / (double)total : 1;

	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	return snprintf(line, size, " [%s] %3d%%", bar, (int)(share * 100));
}

static int draw_left(char *line, size_t size, uint64_t left, double rate)
{
	long seconds = rate > 0 ? (long)((double)left / rate) : 0;

	if (rate <= 0 || seconds > 99 * 3600)
		return 0;
	return snprintf(line, size, ", %ld:%02ld left", seconds / 60, seconds % 60);
}

void progress_set(struct progress *p, uint64_t done, uint64_t total, const char *extra)
{
	char line[LINE_MAX_SIZE], amount[SIZE_TEXT], speed[SIZE_TEXT];
	int64_t now;
	double rate;
	int n, width;

	if (!p)
		return;
	if (!p->started) {
		p->first = done;
		p->started = 1;
	}
	now = clock_monotonic();
	if (now - p->began < NS_PER_SECOND || now - p->drawn < 200 * NS_PER_MS)
		return;
	p->drawn = now;
	rate = (double)(done - p->first) * 1e9 / (double)(now - p->began);
	n = snprintf(line, sizeof line, "%.20s", p->what);
	if (total)
		n += draw_bar(line + n, sizeof line - (size_t)n, done, total);
	n += snprintf(line + n, sizeof line - (size_t)n, " %s, %s/s",
		size_text(done, amount), size_text((uint64_t)rate, speed));
	if (total > done)
		n += draw_left(line + n, sizeof line - (size_t)n, total - done, rate);
	if (extra)
		snprintf(line + n, sizeof line - (size_t)n, ", %.100s", extra);
	printable_clean(line);
	width = terminal_width() - 1;
	fprintf(stderr, "\r%-*.*s", width, width, line);
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (!p)
		return;
	if (p->drawn)
		fprintf(stderr, "\r%*s\r", terminal_width() - 1, "");
	free(p);
}
