/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"

#define ROW(x, use_text, summary_text)                                                     \
	{                                                                                  \
		.name = #x, .use = use_text, .summary = summary_text,                      \
		.options = x##_options_help, .run = cmd_##x                                \
	}

const struct command commands[] = {
	ROW(publish, "SOURCE STORE [OPTIONS]",
		"Publish a directory as a new revision of a store"),
	ROW(serve, "STORE [OPTIONS]", "Serve a store over HTTPS"),
	ROW(mount, "URL MOUNTPOINT [OPTIONS]", "Mount a published dataset"),
	ROW(umount, "MOUNTPOINT [OPTIONS]", "Unmount a dataset"),
	ROW(prefetch, "URL|MOUNTPOINT [PATH...] [OPTIONS]",
		"Bring contents into the cache"),
	ROW(cache, "info|ls|verify|evict|pin|unpin [ARGUMENTS] [OPTIONS]",
		"Look at the cache and tidy it"),
	ROW(ls, "URL [PATH...] [OPTIONS]",
		"List directories of a dataset without mounting it"),
	ROW(cat, "URL PATH... [OPTIONS]", "Print files of a dataset"),
	ROW(get, "URL PATH [DESTINATION] [OPTIONS]",
		"Extract a file or directory with its attributes"),
	ROW(stat, "URL [PATH...] [OPTIONS]", "Show all that is known of an entry"),
	ROW(key, "make|show|name|list [ARGUMENTS] [OPTIONS]", "Make and show signing keys"),
	ROW(help, "[COMMAND]", "Explain cairn or one of its commands"),
	ROW(version, "", "Print the version and the libraries it runs with"),
	{0},
};

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
	return c->run(argc - 1, argv + 1);
}
