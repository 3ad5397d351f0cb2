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

static void pass_over(int number)
{
	(void)number;
}

/* What the signal tells, a failed write tells too: EPIPE, EFBIG (ulimit -f). A handler, not
 * SIG_IGN: what is executed (fusermount3) begins with what we were given. */
static void survive(int number)
{
	struct sigaction action = {.sa_handler = pass_over, .sa_flags = SA_RESTART}, before;

	if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(number, &action, NULL);
}

int main(int argc, char **argv)
{
	const struct command *c;

	setlocale(LC_CTYPE, "");
	survive(SIGPIPE);
	survive(SIGXFSZ);
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
