/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/command.h"

const struct option_help help_options_help[] = {{0}};

int cmd_help(int argc, char **argv)
{
	const struct command *c;

	while (command_getopt(argc, argv) != -1)
		;
	if (argc - optind > 1)
		return command_use("help", "at most one COMMAND");
	if (optind < argc) {
		c = command_find(argv[optind]);
		if (!c)
			return command_use(
				"help", "there is no command '%s'", argv[optind]);
		command_help(c);
		return EXIT_SUCCESS;
	}
	printf("cairn publishes directories as static, content-addressed files and mounts "
	       "them\n"
	       "read-only over HTTPS, verified byte by byte.\n\nusage: cairn COMMAND "
	       "[ARGUMENTS]\n\n"
	       "commands:\n");
	for (c = commands; c->name; c++)
		printf("  %-10s %s\n", c->name, c->summary);
	printf("\n'cairn help COMMAND' explains one; the manual begins with cairn(1) and "
	       "cairn(7).\n");
	return EXIT_SUCCESS;
}
