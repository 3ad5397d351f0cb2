/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publish/blob_copy.h"
#include "publish/check_impact.h"
#include "util/io.h"

#define REBUILT_AT_ONCE 32 /* chunks; each takes up to CHUNK_SIZE_MAX bytes */

/* A chunk that is put together from the files that have a part of it. What is missing stays
 * zero: its digest tells whether all of it came. */
struct rebuilt {
	struct digest digest;
	struct bytes content;
};

struct rebuild {
	struct check_run *c;
	struct rebuilt chunks[REBUILT_AT_ONCE];
	size_t count;
};

static struct rebuilt *rebuilt_find(struct rebuild *b, const struct digest *d)
{
	size_t i = 0;

	while (i < b->count && !digest_equal(&b->chunks[i].digest, d))
		i++;
	return i < b->count ? &b->chunks[i] : NULL;
}

static int source_open(int root, struct span path)
{
	char *text = span_to_string(path);
	int fd = text ? openat(root, text,
				O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
		      : -1;
	struct stat st;

	free(text);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* `size` bytes of the file's data, from that byte of them on: without the holes. */
static void read_data(
	int fd, const struct entry *e, uint64_t from, uint8_t *out, uint64_t size)
{
	uint64_t before = 0;
	size_t done;

	if (e->extent_count == 0) {
		(void)io_pread_some(fd, out, (size_t)size, from, &done);
		return;
	}
	for (uint32_t i = 0; i < e->extent_count && size > 0; i++) {
		struct extent run = extent_at(e->extents, i);
		uint64_t skip = from - before, part;

		before += run.size;
		if (from >= before)
			continue;
		part = run.size - skip < size ? run.size - skip : size;
		(void)io_pread_some(fd, out, (size_t)part, run.offset + skip, &done);
		out += part;
		from += part;
		size -= part;
	}
}

static int rebuild_part(void *ctx, const struct impact_hit *hit)
{
	struct rebuild *b = ctx;
	struct rebuilt *chunk = rebuilt_find(b, &hit->blob);
	const struct entry *e = hit->entry;
	uint64_t start, end, entry_end;
	int fd;

	if (!chunk || !e || hit->size > CHUNK_SIZE_MAX)
		return 0;
	if (chunk->content.size == 0) {
		if (bytes_reserve(&chunk->content, hit->size))
			return ERR_NO_MEMORY;
		memset(chunk->content.data, 0, hit->size);
		chunk->content.size = hit->size;
	}
	entry_end = e->offset + entry_data_size(e);
	start = e->offset > hit->start ? e->offset : hit->start;
	end = entry_end < hit->start + hit->size ? entry_end : hit->start + hit->size;
	if (chunk->content.size != hit->size || start >= end)
		return 0;
	fd = source_open(b->c->o->source, hit->path);
	if (fd < 0)
		return 0;
	read_data(fd, e, start - e->offset, chunk->content.data + (start - hit->start),
		end - start);
	close(fd);
	return 0;
}

static void say_rebuilt(struct check_run *c, const struct digest *d)
{
	char path[BLOB_PATH_SIZE];
	const struct check_finding f = {.about = CHECK_CHUNK,
		.code = ERR_CORRUPT,
		.path = path,
		.mended = true,
		.text = "was put together again from the source's files"};

	blob_path(d, path);
	pthread_mutex_lock(&c->check_mtx);
	c->counts->mended++;
	c->o->say(c->o->ctx, &f);
	pthread_mutex_unlock(&c->check_mtx);
}

/* Into the store, if it is what its name says. */
static bool rebuilt_put(struct check_run *c, struct blob_scratch *x, struct rebuilt *chunk)
{
	const struct reached blob = {BLOB_CHUNK, chunk->digest, chunk->content.size};
	struct digest is = digest_of(chunk->content.data, chunk->content.size);
	struct stored stored;
	uint64_t bytes;

	if (!digest_equal(&is, &chunk->digest))
		return false;
	bytes_clear(&x->content);
	return bytes_append(&x->content, chunk->content.data, chunk->content.size) == 0 &&
	       blob_put_plain(c->o->store, x, &chunk->digest, &bytes, NULL) == 0 &&
	       blob_look(c->o->store, x, &blob, true, &stored, NULL) == 0;
}

/* Of c->rotten from *next on; what is mended is marked. */
static int rebuild_some(struct rebuild *b, struct blob_scratch *x, size_t *next,
	bool *mended, struct trouble *t)
{
	struct check_run *c = b->c;
	struct rotten_blob wanted[REBUILT_AT_ONCE];
	size_t places[REBUILT_AT_ONCE], count = 0;
	int rc;

	for (; *next < c->rotten_count && count < REBUILT_AT_ONCE; ++*next) {
		if (c->rotten[*next].about != CHECK_CHUNK)
			continue;
		wanted[count] = c->rotten[*next];
		places[count] = *next;
		bytes_clear(&b->chunks[count].content);
		b->chunks[count++].digest = c->rotten[*next].digest;
	}
	b->count = count;
	rc = count ? impact_each(c, wanted, count, rebuild_part, b, t) : 0;
	for (size_t i = 0; !rc && i < count; i++) {
		mended[places[i]] = rebuilt_put(c, x, &b->chunks[i]);
		if (mended[places[i]])
			say_rebuilt(c, &b->chunks[i].digest);
	}
	return rc;
}

static void forget_mended(struct check_run *c, const bool *mended)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->rotten_count; i++)
		if (!mended[i])
			c->rotten[kept++] = c->rotten[i];
	c->rotten_count = kept;
}

int check_rebuild(struct check_run *c, struct trouble *t)
{
	bool *mended = calloc(c->rotten_count, sizeof *mended);
	struct rebuild *b = calloc(1, sizeof *b);
	struct blob_scratch x;
	size_t next = 0;
	int rc = blob_scratch_init(&x);

	if (!mended || !b)
		rc = ERR_NO_MEMORY;
	if (!rc)
		b->c = c;
	while (!rc && next < c->rotten_count)
		rc = rebuild_some(b, &x, &next, mended, t);
	if (!rc)
		forget_mended(c, mended);
	for (size_t i = 0; b && i < REBUILT_AT_ONCE; i++)
		bytes_release(&b->chunks[i].content);
	blob_scratch_release(&x);
	free(b);
	free(mended);
	return rc;
}
