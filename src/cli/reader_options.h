/* SPDX-License-Identifier: MIT */
/*
 * The options that all commands which read a dataset share: which revision, whom to trust,
 * how to reach the server, where the cache is. Values are checked here; nothing is opened.
 * The tool's thread. Texts are borrowed from argv (or a mount's record) but for the
 * credentials, which are copies.
 */
#ifndef CAIRN_CLI_READER_OPTIONS_H
#define CAIRN_CLI_READER_OPTIONS_H

#include "cli/command.h"
#include "dataset/dataset.h"

/* Letters of the shared options; no short ones but -v. */
enum {
	OPTION_CACHE = 300,
	OPTION_TRUST,
	OPTION_CACERT,
	OPTION_REVISION,
	OPTION_TAG,
	OPTION_CERT,
	OPTION_CERT_KEY,
	OPTION_BEARER_FILE,
	OPTION_PROXY,
	OPTION_NETRC,
	OPTION_OFFLINE,
	OPTION_TIMEOUT,
	OPTION_OWN /* first free for a command's own */
};
/* Rows of the shared options for a command's table: where the cache is and whom to believe,
 * which revision, how to reach the server. */
#define READER_TRUST_HELP                                                                  \
	{"cache", OPTION_CACHE, "DIR", "cache directory (default: ~/.cache/cairn)"},       \
		{"trust", OPTION_TRUST, "PUBKEY", "accept only this key's signature"},     \
	{                                                                                  \
		"cacert", OPTION_CACERT, "FILE",                                           \
			"believe these CAs instead of the system's"                        \
	}
#define READER_WHICH_HELP                                                                  \
	{"revision", OPTION_REVISION, "N", "this revision instead of the newest"},         \
	{                                                                                  \
		"tag", OPTION_TAG, "TAG", "the revision of that tag"                       \
	}
#define READER_SERVER_HELP                                                                 \
	{"cert", OPTION_CERT, "FILE", "client certificate"},                               \
		{"cert-key", OPTION_CERT_KEY, "FILE", "key of the client certificate"},    \
		{"bearer-file", OPTION_BEARER_FILE, "FILE", "file with a bearer token"},   \
		{"proxy", OPTION_PROXY, "URL", "proxy (default: the environment's)"},      \
		{"netrc", OPTION_NETRC, NULL, "take user and password from ~/.netrc"},     \
		{"offline", OPTION_OFFLINE, NULL,                                          \
			"ask no server: only what is in the cache"},                       \
		{"timeout", OPTION_TIMEOUT, "SECONDS",                                     \
			"give up on a request after (default: 60)"},                       \
	{                                                                                  \
		"verbose", 'v', NULL, "say more; twice: everything"                        \
	}
#define READER_OPTIONS_HELP READER_TRUST_HELP, READER_WHICH_HELP, READER_SERVER_HELP

struct reader_options {
	struct dataset_options dataset;
	struct credentials credentials;
	const char *cache; /* directory; NULL: the user's */
	char *cache_own;   /* that, when an option gave it: absolute, released */
	uint64_t memory;   /* bytes in flight; 0: the default */
	enum cache_verify_when verify;
	int64_t scrub; /* of a mount: see scrub_new(); 0: off */
	uint64_t quota, floor;
	bool set_quota, set_floor;
	int verbose;
};
/* The defaults. */
void reader_options_init(struct reader_options *o);
/* The credentials and the cache's own path; texts that are borrowed stay. */
void reader_options_release(struct reader_options *o);
/* Releases, and returns `status`: the last thing that a command does. */
int reader_options_end(struct reader_options *o, int status);
/* Takes the option if it is a shared one. *taken tells; EXIT_USE (said already) when its
 * value makes no sense. */
int reader_option(struct reader_options *o, const char *command, int letter,
	const char *value, bool *taken);
/* For a client key that no option has given; asks nothing without a terminal. */
void reader_options_ask_password(struct reader_options *o);

#endif
