/* SPDX-License-Identifier: MIT */
/*
 * What all commands that read a dataset share: their options, and cache, engine and
 * dataset opened in one step. The tool's own thread.
 */
#ifndef CAIRN_CLI_READER_H
#define CAIRN_CLI_READER_H

#include "dataset/dataset.h"
#include "cli/command.h"
#include "tree/tree.h"

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
/* Rows of the shared options for a command's table. */
#define READER_OPTIONS_HELP                                                                \
	{"cache", OPTION_CACHE, "DIR", "cache directory (default: ~/.cache/cairn)"},       \
		{"trust", OPTION_TRUST, "PUBKEY", "accept only this key's signature"},     \
		{"cacert", OPTION_CACERT, "FILE",                                          \
			"believe these CAs instead of the system's"},                      \
		{"revision", OPTION_REVISION, "N", "this revision instead of the newest"}, \
		{"tag", OPTION_TAG, "TAG", "the revision of that tag"},                    \
		{"cert", OPTION_CERT, "FILE", "client certificate"},                       \
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

struct reader_options {
	struct dataset_options dataset;
	struct credentials credentials;
	const char *cache; /* directory; NULL: the user's */
	uint64_t memory;   /* bytes in flight; 0: the default */
	uint64_t quota, floor;
	bool set_quota;
	int verbose;
};
void reader_options_init(struct reader_options *o);
void reader_options_release(struct reader_options *o);
/* Releases, and returns `status`: the last thing that a command does. */
int reader_options_end(struct reader_options *o, int status);
/* Takes the option if it is a shared one. *taken tells; EXIT_USE (said already) when its
 * value makes no sense. */
int reader_option(struct reader_options *o, const char *command, int letter,
	const char *value, bool *taken);

struct reader {
	struct log *log;
	struct cache *cache;
	struct engine *engine;
	struct dataset *dataset;
	int64_t deadline_ns;
};
/* Opens the cache alone: for `cairn cache`. */
int reader_open_cache(struct reader *r, const struct reader_options *o, struct trouble *t);
/* Cache, engine and the dataset at o->dataset.url; says so when a key was pinned. `log`
 * is taken over; NULL: one to stderr at o->verbose's level. */
int reader_open(struct reader *r, const struct reader_options *o, struct log *log,
	struct trouble *t);
void reader_close(struct reader *r);

/* Is it a URL, or the absolute path of a directory with a store in it? (Else it may be in
 * a mount: cli/mounts.h.) */
bool reader_is_url(const char *text);
/* A path as people type it ("/usr//bin/", "./x") to the form of the format: heap, or NULL
 * with a sentence (ERR_INVALID). */
char *reader_path(const char *text, struct trouble *t);

/* An entry copied out of its page, to be used after the attempt. */
struct entry_copy {
	struct bytes packed;
	struct entry entry; /* borrows from packed */
};
void entry_copy_release(struct entry_copy *c);
int entry_copy(const struct entry *e, struct entry_copy *out);

/* The entry of that path; ERR_ABSENT with a sentence. */
int reader_find(struct reader *r, const char *path, struct entry_copy *out, uint64_t *rank,
	struct trouble *t);
/* The entries at ranks first..end-1 in order, without holding a transaction while `each`
 * runs, which may read contents. Non-zero from `each` stops and is returned. */
typedef int (*reader_each_fn)(
	void *ctx, const struct entry *e, uint64_t rank, struct trouble *t);
int reader_walk(struct reader *r, uint64_t first, uint64_t end, reader_each_fn each,
	void *ctx, struct trouble *t);
/* The ranks of what is below a directory; see tree_subtree. */
int reader_subtree(struct reader *r, const char *path, uint64_t *first, uint64_t *end,
	struct trouble *t);
/* Reads [offset, offset+size) of a file; *done less than size only at its end. */
int reader_read(struct reader *r, const struct entry *e, uint64_t offset, void *buffer,
	size_t size, size_t *done, struct trouble *t);

#endif
