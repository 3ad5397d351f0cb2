/* SPDX-License-Identifier: MIT */
/* The table of commands: apart from main(), so that tests can link it. */
#include <config.h>

#include "cli/command.h"

#define ROW(x, use_text, summary_text)                                                     \
	{                                                                                  \
		.name = #x, .use = use_text, .summary = summary_text,                      \
		.options = x##_options_help, .run = cmd_##x                                \
	}

const struct command commands[] = {
	ROW(publish, "SOURCE STORE [OPTIONS]",
		"Publish a directory as a new revision of a store"),
	ROW(log, "STORE|URL [OPTIONS]", "List the revisions of a dataset, newest first"),
	ROW(show, "STORE|URL [REVISION|TAG] [OPTIONS]",
		"Show all that is known of a revision"),
	ROW(diff, "STORE|URL [A [B]] [OPTIONS]", "Tell what changed between two revisions"),
	ROW(tag, "STORE [NAME [REVISION]] [OPTIONS]", "List, set, move and delete tags"),
	ROW(rollback, "STORE REVISION [OPTIONS]",
		"Publish what an old revision holds again"),
	ROW(serve, "STORE [OPTIONS]", "Serve a store over HTTPS"),
	ROW(gc, "STORE [OPTIONS]", "Remove old revisions and what only they needed"),
	ROW(mount, "URL MOUNTPOINT [OPTIONS]", "Mount a published dataset"),
	ROW(umount, "MOUNTPOINT... [OPTIONS]", "Unmount datasets"),
	ROW(update, "[MOUNTPOINT...] [OPTIONS]",
		"Have mounts show the newest revision now"),
	ROW(status, "[MOUNTPOINT] [OPTIONS]", "Tell what mounts are doing"),
	ROW(trace, "MOUNTPOINT [OPTIONS]", "Tell what is read in a mount, in order"),
	ROW(why, "MOUNTPOINT [OPTIONS]", "Say what requests that hang in a mount wait for"),
	ROW(prefetch, "URL|MOUNTPOINT [PATH...] [OPTIONS]",
		"Bring contents into the cache"),
	ROW(cache, "info|ls|report|verify|evict|pin|unpin [ARGUMENTS] [OPTIONS]",
		"Look at the cache and tidy it"),
	ROW(ls, "URL [PATH...] [OPTIONS]",
		"List directories of a dataset without mounting it"),
	ROW(cat, "URL PATH... [OPTIONS]", "Print files of a dataset"),
	ROW(get, "URL PATH [DESTINATION] [OPTIONS]",
		"Extract a file or directory with its attributes"),
	ROW(du, "URL|MOUNTPOINT [PATH...] [OPTIONS]",
		"Tell how much directories hold, at once at any size"),
	ROW(check, "STORE|URL [OPTIONS]",
		"See whether a store is whole, and served as readers need it"),
	ROW(copy, "SRC DST [OPTIONS]",
		"Copy revisions of a store, or what is new of them, into another"),
	ROW(stat, "URL [PATH...] [OPTIONS]", "Show all that is known of an entry"),
	ROW(key, "make|show|name|list|known|accept|forget [ARGUMENTS] [OPTIONS]",
		"Make and show signing keys, and those that are known"),
	ROW(help, "[COMMAND]", "Explain cairn or one of its commands"),
	ROW(version, "", "Print the version and the libraries it runs with"),
	{0},
};
