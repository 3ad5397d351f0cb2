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

#include "cache/dataset.h"
#include "util/error.h"
#include "util/log.h"

#define EXIT_USE 2 /* the command line makes no sense */

/* argv[0] is the subcommand's name. Returns the exit status: 0, 1 (trouble), EXIT_USE. */
typedef int (*command_fn)(int argc, char **argv);

/* One option of a subcommand, for getopt_long and for --help alike. */
struct option_help {
	const char *name;    /* long name without "--"; NULL ends the table */
	int letter;          /* short letter or a value above 255 */
	const char *value;   /* "FILE", or NULL when it takes none */
	const char *help;
};
struct command {
	const char *name;    /* "publish" */
	const char *use;     /* "SOURCE STORE [OPTIONS]" */
	const char *summary; /* one line for `cairn help` */
	const struct option_help *options;
	command_fn run;
};
extern const struct command commands[]; /* ends with a NULL name */
const struct command *command_find(const char *name);
/* Text of `cairn help NAME` and `cairn NAME --help`. */
void command_help(const struct command *c);
/* getopt_long over a command's own table; handles -h/--help (exit 0), -v, and errors
 * (exit EXIT_USE). Returns the letter, or -1 at the end of the options (optind set). */
int command_getopt(const struct command *c, int argc, char **argv);

/* stderr: "cairn NAME: sentence"; returns 1. */
int command_fail(const char *name, const struct trouble *t);
int command_use(const struct command *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "1.5G", "64M", "1000": bytes with binary suffixes k M G T. 0 or ERR_INVALID. */
int size_parse(const char *text, uint64_t *bytes);
/* "1.4 GiB" */
#define SIZE_TEXT 16
const char *size_text(uint64_t bytes, char text[SIZE_TEXT]);

/* The options that all tools with a URL share: --cache --trust --cacert --revision --tag
 * --cert --cert-key --bearer-file --proxy --netrc --offline, -v. */
struct reader_options {
	struct dataset_options dataset;
	struct credentials credentials;
	char *cache;          /* directory; NULL: the user's */
	uint64_t memory;
	uint64_t quota, floor;
	bool set_quota;
	int verbose;
};
/* True when the letter was one of the shared options. */
bool reader_option(struct reader_options *o, int letter, const char *value);
#define READER_OPTIONS_HELP_COUNT 12

/* Cache, engine and dataset in one; closed in the right order. Prints what was pinned. */
struct reader {
	struct log *log;
	struct cache *cache;
	struct engine *engine;
	struct dataset *dataset;
};
int reader_open(struct reader *r, const struct reader_options *o, struct trouble *t);
void reader_close(struct reader *r);

/* A bar with bytes, rate and time left, on a terminal only, once a wait is over a second. */
struct progress;
struct progress *progress_new(const char *what); /* NULL is fine everywhere */
void progress_set(struct progress *p, uint64_t done, uint64_t total, const char *extra);
void progress_end(struct progress *p);

#endif
