/* SPDX-License-Identifier: MIT */
/*
 * The command table and what the subcommands share. One file per subcommand,
 * src/cli/cmd_<name>.c, with one function of the type command_fn. cli/ is the only layer
 * that prints sentences, reads the environment and has globals.
 */
#ifndef CAIRN_CLI_COMMAND_H
#define CAIRN_CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "util/log.h"

#define EXIT_USE 2 /* the command line makes no sense */

/* argv[0] is the subcommand's name. Returns the exit status: 0, 1 (trouble), EXIT_USE. */
typedef int (*command_fn)(int argc, char **argv);

/* One option of a subcommand, for getopt_long, --help and the manual alike. */
struct option_help {
	const char *name;  /* long name without "--"; NULL ends the table */
	int letter;	   /* short letter, or a value above 255 when there is none */
	const char *value; /* "FILE", or NULL when it takes none; "[=N]": it may have one */
	const char *help;
};

struct command {
	const char *name;    /* "publish" */
	const char *use;     /* "SOURCE STORE [OPTIONS]" */
	const char *summary; /* one line for `cairn help` */
	const struct option_help *options;
	command_fn run;
};
extern const struct command commands[]; /* commands.c; ends with a NULL name */
const struct command *command_find(const char *name);

/* Text of `cairn help NAME` and `cairn NAME --help`, on stdout. */
void command_help(const struct command *c);
/* The next option of the command named argv[0], by its own table: the letter, or -1 at
 * the end (optind set). `--help` prints and exits 0; a wrong option exits EXIT_USE. */
int command_getopt(int argc, char **argv);

/* stderr: "cairn NAME: sentence"; returns 1. Silent of ERR_IO once output was lost, which
 * command_end() tells. */
int command_fail(const char *name, const struct trouble *t);
/* Writes out what is left of stdout: `status`, or 1 when it could not be written, with a
 * sentence unless it was the reader that went away. */
int command_end(const char *name, int status);
/* stderr: the sentence and where to find help; returns EXIT_USE. */
int command_use(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define COMMAND(x)                                                                         \
	int cmd_##x(int argc, char **argv);                                                \
	extern const struct option_help x##_options_help[]
COMMAND(publish);
COMMAND(gc);
COMMAND(serve);
COMMAND(mount);
COMMAND(umount);
COMMAND(update);
COMMAND(status);
COMMAND(why);
COMMAND(trace);
COMMAND(prefetch);
COMMAND(cache);
COMMAND(ls);
COMMAND(cat);
COMMAND(check);
COMMAND(copy);
COMMAND(diff);
COMMAND(du);
COMMAND(get);
COMMAND(stat);
COMMAND(key);
COMMAND(log);
COMMAND(rollback);
COMMAND(show);
COMMAND(tag);
COMMAND(help);
COMMAND(version);

#endif
