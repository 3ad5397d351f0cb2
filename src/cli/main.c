/* SPDX-License-Identifier: MIT */

#include <config.h>

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/mount_helper.h"

static int usage(void)
{
	fprintf(stderr, "cairn: no command given\nTry 'cairn help'.\n");
	return EXIT_USE;
}

int main(int argc, char **argv)
{
	const struct command *c;

	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	if (mount_helper_is(argv[0]))
		return mount_helper_run(argv);
	if (argc < 2)
		return usage();
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		argv[1] = (char *)"help";
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		argv[1] = (char *)"version";
	c = command_find(argv[1]);
	if (!c) {
		fprintf(stderr, "cairn: there is no command '%s'\nTry 'cairn help'.\n",
			argv[1]);
		return EXIT_USE;
	}
	return command_end(c->name, c->run(argc - 1, argv + 1));
}
