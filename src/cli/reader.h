/* SPDX-License-Identifier: MIT */
/*
 * What all commands that read a dataset share: cache, engine and dataset opened in one
 * step, and the tree and the contents read by calls that wait. The tool's own thread.
 */
#ifndef CAIRN_CLI_READER_H
#define CAIRN_CLI_READER_H

#include "cli/entry_copy.h"
#include "cli/reader_options.h"

struct reader {
	struct log *log;
	struct cache *cache;
	struct scrub *scrub; /* of a mount; or NULL */
	struct engine *engine;
	struct dataset *dataset;
	int64_t deadline_ns;
	uint64_t misses; /* how often a page or recipe was not in the cache */
};
/* Opens the cache alone, with r->log: for `cairn cache`. */
int reader_open_cache(struct reader *r, const struct reader_options *o, struct trouble *t);
/* Cache, engine and the dataset at o->dataset.url; says so when a key was pinned. `log`
 * is taken over; NULL: one to stderr at o->verbose's level. */
int reader_open(struct reader *r, const struct reader_options *o, struct log *log,
	struct trouble *t);
/* All that is open, the log too; leaves zeros, and takes them. */
void reader_close(struct reader *r);

/* Is it a URL, or the absolute path of a directory with a store in it? (Else it may be in
 * a mount: cli/mounts.h.) */
bool reader_is_url(const char *text);
/* A path as people type it ("/usr//bin/", "./x") to the form of the format: heap, or NULL
 * with a sentence (ERR_INVALID). */
char *reader_path(const char *text, struct trouble *t);

/* Runs the step on what is here, and has brought what is not (source_run). */
int reader_run(struct reader *r, attempt_fn step, void *arg, struct trouble *t);
/* The entry of that path; ERR_ABSENT with a sentence. *out is to be released; `rank` may be
 * NULL. */
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
/* The sum of the sizes of the files at ranks first..end-1; see tree_bytes. */
int reader_bytes(
	struct reader *r, uint64_t first, uint64_t end, uint64_t *bytes, struct trouble *t);
/* Reads [offset, offset+size) of a file; *done less than size only at its end. */
int reader_read(struct reader *r, const struct entry *e, uint64_t offset, void *buffer,
	size_t size, size_t *done, struct trouble *t);
/* Where the file has data and where a hole: file_map(), which waits. */
int reader_map(struct reader *r, const struct entry *e, uint64_t offset, struct piece *out,
	struct trouble *t);

#endif
