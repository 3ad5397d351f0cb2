/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "util/printable.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 64
#define HELP_LETTER 1000

const struct command *command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void print_option(const struct option_help *o)
{
	char left[64];
	int n = 0;

	if (o->letter < 256)
		n = snprintf(left, sizeof left, "-%c, ", o->letter);
	else
		n = snprintf(left, sizeof left, "    ");
	snprintf(left + n, sizeof left - (size_t)n, "--%s%s%s", o->name,
		o->value && o->value[0] != '[' ? " " : "", o->value ? o->value : "");
	printf("  %-28s %s\n", left, o->help);
}

/* Whether the letter is that of an option of its own, as -h is of du. */
static bool has_letter(const struct command *c, int letter)
{
	const struct option_help *o = c->options;

	while (o->name && o->letter != letter)
		o++;
	return o->name != NULL;
}

void command_help(const struct command *c)
{
	const struct option_help help = {
		"help", has_letter(c, 'h') ? HELP_LETTER : 'h', NULL, "print this text"};

	printf("usage: cairn %s%s%s\n\n%s.\n\noptions:\n", c->name, *c->use ? " " : "",
		c->use, c->summary);
	for (const struct option_help *o = c->options; o->name; o++)
		print_option(o);
	print_option(&help);
	printf("\nThe manual: man cairn-%s\n", c->name);
}

/* The table in getopt_long's two forms; "+" would stop at the first operand. */
static void getopt_tables(const struct command *c, struct option longs[OPTIONS_MAX],
	char shorts[3 * OPTIONS_MAX])
{
	size_t n = 0, s = 0;

	for (const struct option_help *o = c->options; o->name && n < OPTIONS_MAX - 2;
		o++) {
		longs[n++] = (struct option){o->name,
			!o->value	     ? no_argument
			: o->value[0] == '[' ? optional_argument
					     : required_argument,
			NULL, o->letter};
		if (o->letter > 255)
			continue;
		shorts[s++] = (char)o->letter;
		if (o->value)
			shorts[s++] = ':';
	}
	longs[n++] = (struct option){"help", no_argument, NULL, HELP_LETTER};
	longs[n] = (struct option){0};
	if (!has_letter(c, 'h'))
		shorts[s++] = 'h';
	shorts[s] = '\0';
}

int command_getopt(int argc, char **argv)
{
	const struct command *c = command_find(argv[0]);
	struct option longs[OPTIONS_MAX];
	char shorts[3 * OPTIONS_MAX];
	char name[64];
	char *saved = argv[0];
	int letter;

	getopt_tables(c, longs, shorts);
	/* getopt's own messages begin with argv[0]: "cairn publish: unrecognized ..." */
	snprintf(name, sizeof name, "cairn %s", c->name);
	argv[0] = name;
	letter = getopt_long(argc, argv, shorts, longs, NULL);
	argv[0] = saved;
	if (letter == HELP_LETTER || (letter == 'h' && !has_letter(c, 'h'))) {
		command_help(c);
		exit(EXIT_SUCCESS);
	}
	if (letter == '?') {
		fprintf(stderr, "Try 'cairn %s --help'.\n", c->name);
		exit(EXIT_USE);
	}
	return letter;
}

int command_fail(const char *name, const struct trouble *t)
{
	char text[TROUBLE_MAX];

	const char *words = t->code ? error_text(t->code)
				    : "it failed, and nothing says why";

	if (output_cause() && t->code == ERR_IO)
		return EXIT_FAILURE; /* command_end() says why */
	snprintf(text, sizeof text, "%s", t->text[0] ? t->text : words);
	printable_clean(text);
	progress_hide();
	fprintf(stderr, "cairn %s: %s\n", name, text);
	return EXIT_FAILURE;
}

/* /dev/full, a disk that is full: what was not written was not done. A reader that went
 * away (EPIPE) has had what it wanted, and needs no word of it. */
int command_end(const char *name, int status)
{
	errno = 0;
	(void)fflush(stdout);
	if (!output_is_lost())
		return status;
	if (output_cause() != EPIPE) {
		progress_hide();
		fprintf(stderr, "cairn %s: cannot write to the standard output: %s\n", name,
			strerror(output_cause()));
	}
	return EXIT_FAILURE;
}

int command_use(const char *name, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "cairn %s: ", name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry 'cairn %s --help'.\n", name);
	return EXIT_USE;
}
