/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "format/names.h"
#include "util/error.h"

int name_check(struct span name)
{
	if (name.size == 0 || name.size > NAME_SIZE_MAX)
		return ERR_CORRUPT;
	if (name.data[0] == '.' &&
		(name.size == 1 || (name.size == 2 && name.data[1] == '.')))
		return ERR_CORRUPT;
	if (memchr(name.data, '/', name.size) || memchr(name.data, 0, name.size))
		return ERR_CORRUPT;
	return 0;
}

int path_check(struct span path)
{
	const uint8_t *at = path.data, *end;

	if (path.size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	if (path.size == 0)
		return 0;
	end = path.data + path.size;
	for (;;) {
		const uint8_t *slash = memchr(at, '/', (size_t)(end - at));
		const uint8_t *stop = slash ? slash : end;

		if (name_check(span_of(at, (size_t)(stop - at))))
			return ERR_CORRUPT;
		if (!slash)
			return 0;
		at = slash + 1;
	}
}

static uint8_t *encode_path(struct span s, uint8_t *out)
{
	for (size_t i = 0; i < s.size; i++) {
		uint8_t c = s.data[i];

		if (c == '/')
			c = 1;
		else if (c < '/' && c > 0)
			c++;
		*out++ = c;
	}
	return out;
}

int key_encode(struct span parent, struct span name, struct key *out)
{
	size_t path_size;
	uint8_t *at;

	if (parent.size > PATH_SIZE_MAX || name.size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	path_size = parent.size + name.size + (parent.size > 0 ? 1 : 0);
	if (path_size > PATH_SIZE_MAX)
		return ERR_LIMIT;
	at = encode_path(parent, out->data);
	*at++ = 0;
	at = encode_path(name, at);
	out->size = (size_t)(at - out->data);
	return 0;
}

int key_compare(const struct key *a, const struct key *b)
{
	return span_compare(span_of(a->data, a->size), span_of(b->data, b->size));
}

/* How many bytes of `a` and `b` are the same from the start. */
static size_t common_prefix(const uint8_t *a, const uint8_t *b, size_t size)
{
	size_t i = 0;

	while (i + sizeof(uint64_t) <= size) {
		uint64_t x, y;

		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		if (x != y)
			break;
		i += sizeof x;
	}
	while (i < size && a[i] == b[i])
		i++;
	return i;
}

static int path_rank(uint8_t c)
{
	return c == '/' ? -1 : c;
}

int path_compare(struct span a, struct span b)
{
	size_t size = a.size < b.size ? a.size : b.size;
	size_t at = common_prefix(a.data, b.data, size);

	if (at == size)
		return (a.size > b.size) - (a.size < b.size);
	return path_rank(a.data[at]) - path_rank(b.data[at]);
}

int place_compare(
	struct span parent_a, struct span name_a, struct span parent_b, struct span name_b)
{
	int order = path_compare(parent_a, parent_b);

	return order != 0 ? order : span_compare(name_a, name_b);
}

void path_split(struct span path, struct span *parent, struct span *name)
{
	size_t at = path.size;

	while (at > 0 && path.data[at - 1] != '/')
		at--;
	*parent = span_of(path.data, at > 0 ? at - 1 : 0);
	*name = path.size > 0 ? span_of(path.data + at, path.size - at) : path;
}

int path_join(struct span parent, struct span name, struct bytes *out)
{
	int rc;

	bytes_clear(out);
	rc = bytes_reserve(out, parent.size + 1 + name.size);
	if (rc)
		return rc;
	rc = bytes_append(out, parent.data, parent.size);
	if (!rc && parent.size > 0 && name.size > 0)
		rc = bytes_append(out, "/", 1);
	if (!rc)
		rc = bytes_append(out, name.data, name.size);
	return rc;
}

struct key_hash key_hash_of(const struct key *key)
{
	return (struct key_hash){.digest = digest_of(key->data, key->size)};
}

uint64_t key_hash_inode(const struct key_hash *h)
{
	uint64_t inode = 0;

	for (int i = 0; i < 8; i++)
		inode = inode << 8 | h->digest.bytes[i];
	inode &= INT64_MAX;
	return inode < 2 ? inode + 2 : inode;
}

bool key_hash_cuts(const struct key_hash *h, unsigned level, uint32_t one_in)
{
	const uint8_t *at = h->digest.bytes + 8 + 4 * (level < 5 ? level : 5);
	uint32_t word = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
			(uint32_t)at[2] << 8 | at[3];

	return word < ((uint64_t)1 << 32) / one_in;
}
