/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/io.h"
#include "util/lmdb_page.h"
#include "util/structure.h"

/* Names as in mdb.c. */
#define MDB_MAGIC 0xBEEFC0DE
#define MDB_DATA_VERSION 1
#define INTEGERKEY 0x08
#define NOSUBDIR 0x4000 /* of the environment, kept there too */
#define P_INVALID (~(size_t)0)
#define KEY_MAX 511
#define DEPTH_MAX 32

/* LMDB may leave the last pages unwritten, when they became free in the same transaction.
 */
#define UNWRITTEN_MAX 65536
#define MAP_CAP (UINT64_C(1) << 42) /* bytes, as metadata.c's */

enum tree_kind { TREE_FREE, TREE_MAIN, TREE_TABLE };

struct inspection {
	int fd;
	size_t page_size, last_page, txn;
	uint8_t *seen;	      /* a bit for each page */
	uint8_t *levels;      /* a page for each level */
	uint8_t *used;	      /* a byte for each byte of a page */
	struct structure sum; /* in pages */
};

/* One tree, and where we are in it. */
struct tree_walk {
	struct inspection *in;
	enum tree_kind kind;
	struct lmdb_tree found; /* counts */
	unsigned depth;
	uint8_t key[KEY_MAX]; /* the last one passed */
	size_t key_size;
	bool passed; /* one of a row: the next one is greater, not equal */
};

static int check_tree(
	struct inspection *in, enum tree_kind kind, const struct lmdb_tree *db);

/* What lies behind the end of the file reads as zeros. */
static int read_at(struct inspection *in, void *to, size_t size, uint64_t offset)
{
	size_t done = 0;
	int rc = io_pread_some(in->fd, to, size, offset, &done);

	if (rc)
		return ERR_CORRUPT; /* a bad sector, for one */
	memset((uint8_t *)to + done, 0, size - done);
	return 0;
}

/* Takes pages [first, first + count) for one use. */
static int claim_page(struct inspection *in, size_t first, size_t count)
{
	if (first < 2 || first > in->last_page || count < 1 ||
		count - 1 > in->last_page - first)
		return ERR_CORRUPT;
	for (size_t i = first; i < first + count; i++) {
		if (in->seen[i / 8] >> (i % 8) & 1)
			return ERR_CORRUPT;
		in->seen[i / 8] |= (uint8_t)(1 << (i % 8));
	}
	return 0;
}

static int compare_book_keys(const struct tree_walk *w, const uint8_t *key, size_t size)
{
	size_t common = size < w->key_size ? size : w->key_size, a, b;
	int order;

	if (w->kind == TREE_FREE) {
		memcpy(&a, key, sizeof a);
		memcpy(&b, w->key, sizeof b);
		return a < b ? -1 : a > b;
	}
	order = common ? memcmp(key, w->key, common) : 0;
	return order ? order : (size > w->key_size) - (size < w->key_size);
}

/* Keys rise; `row`: that of a row, else one that parts two children, which the first row
 * behind it may equal. */
static int pass_key(struct tree_walk *w, const uint8_t *key, size_t size, bool row)
{
	int order;

	if (size < 1 || size > KEY_MAX || (w->kind == TREE_FREE && size != sizeof(size_t)))
		return ERR_CORRUPT;
	if (w->key_size) {
		order = compare_book_keys(w, key, size);
		if (order < 0 || (order == 0 && (w->passed || !row)))
			return ERR_CORRUPT;
	}
	memcpy(w->key, key, size);
	w->key_size = size;
	w->passed = row;
	return 0;
}

/* Page numbers, count first, the highest first. */
static int claim_free(struct inspection *in, const uint8_t *list, size_t size)
{
	size_t count, number, before = SIZE_MAX;
	int rc = 0;

	if (size < sizeof count)
		return ERR_CORRUPT;
	memcpy(&count, list, sizeof count);
	if (count > size / sizeof count - 1)
		return ERR_CORRUPT;
	for (size_t i = 1; i <= count && !rc; i++) {
		memcpy(&number, list + i * sizeof number, sizeof number);
		rc = number < before ? claim_page(in, number, 1) : ERR_CORRUPT;
		before = number;
	}
	in->sum.free += count;
	return rc;
}

static int claim_free_behind(struct inspection *in, size_t page, size_t size)
{
	uint8_t *list = malloc(size);
	int rc = list ? read_at(in, list, size,
				(uint64_t)page * in->page_size + sizeof(struct lmdb_page))
		      : ERR_NO_MEMORY;

	if (!rc)
		rc = claim_free(in, list, size);
	free(list);
	return rc;
}

/* A value in pages of its own. */
static int check_overflow(struct tree_walk *w, const uint8_t *data, size_t size)
{
	struct inspection *in = w->in;
	struct lmdb_page h;
	size_t page, need = (sizeof h - 1 + size) / in->page_size + 1;
	int rc;

	memcpy(&page, data, sizeof page);
	if (page < 2 || page > in->last_page)
		return ERR_CORRUPT;
	rc = read_at(in, &h, sizeof h, (uint64_t)page * in->page_size);
	if (!rc && (h.number != page || h.flags != P_OVERFLOW || h.pages < need))
		rc = ERR_CORRUPT;
	if (!rc)
		rc = claim_page(in, page, h.pages);
	if (rc)
		return rc;
	w->found.overflow_pages += h.pages;
	return w->kind == TREE_FREE ? claim_free_behind(in, page, size) : 0;
}

static int check_row(struct tree_walk *w, const uint8_t *at)
{
	struct lmdb_node n;
	struct lmdb_tree db;
	const uint8_t *data;
	size_t txn;
	int rc;

	memcpy(&n, at, sizeof n);
	data = at + sizeof n + n.key_size;
	rc = pass_key(w, at + sizeof n, n.key_size, true);
	if (rc)
		return rc;
	w->found.entries++;
	if (w->kind == TREE_FREE) {
		memcpy(&txn, w->key, sizeof txn);
		if (txn > w->in->txn)
			return ERR_CORRUPT;
	}
	/* A row of the main one may also be just that. */
	if (w->kind == TREE_MAIN && n.flags == F_SUBDATA) {
		if (lmdb_node_data_size(&n) != sizeof db)
			return ERR_CORRUPT;
		memcpy(&db, data, sizeof db);
		return check_tree(w->in, TREE_TABLE, &db);
	}
	if (n.flags == F_BIGDATA)
		return check_overflow(w, data, lmdb_node_data_size(&n));
	if (n.flags)
		return ERR_CORRUPT;
	return w->kind == TREE_FREE ? claim_free(w->in, data, lmdb_node_data_size(&n)) : 0;
}

/* A page of a tree into *out, which is good until another one of its level is read. */
static int take_page(struct tree_walk *w, size_t number, unsigned level, bool leaf,
	const uint8_t **out, size_t *count)
{
	struct inspection *in = w->in;
	uint8_t *page = in->levels +
			((w->kind == TREE_TABLE ? DEPTH_MAX : 0) + level) * in->page_size;
	int rc = claim_page(in, number, 1);

	if (!rc)
		rc = read_at(in, page, in->page_size, (uint64_t)number * in->page_size);
	if (!rc)
		rc = lmdb_page_check(page, in->page_size, number, leaf, in->used, count);
	if (!rc)
		*out = page;
	return rc;
}

/* Down to the leaves, which all lie equally deep. */
static int check_page(struct tree_walk *w, size_t number, unsigned level)
{
	bool leaf = level + 1 == w->depth;
	const uint8_t *page;
	size_t count;
	int rc = take_page(w, number, level, leaf, &page, &count);

	if (rc)
		return rc;
	*(leaf ? &w->found.leaf_pages : &w->found.branch_pages) += 1;
	for (size_t i = 0; i < count && !rc; i++) {
		struct lmdb_node n;
		const uint8_t *at = lmdb_page_node(page, i, &n);

		if (leaf) {
			rc = check_row(w, at);
			continue;
		}
		if (i > 0) /* the first child's is not looked at by anybody */
			rc = pass_key(w, at + sizeof n, n.key_size, false);
		if (!rc)
			rc = check_page(w, lmdb_node_child(&n), level + 1);
	}
	return rc;
}

static bool flags_are_sane(enum tree_kind kind, uint16_t flags)
{
	return kind == TREE_FREE ? (flags & ~NOSUBDIR) == INTEGERKEY : flags == 0;
}

static int check_tree(
	struct inspection *in, enum tree_kind kind, const struct lmdb_tree *db)
{
	struct tree_walk w = {.in = in, .kind = kind, .depth = db->depth};
	int rc = 0;

	if (!flags_are_sane(kind, db->flags) || db->depth >= DEPTH_MAX ||
		(db->root == P_INVALID) != (db->depth == 0))
		return ERR_CORRUPT;
	if (db->depth)
		rc = check_page(&w, db->root, 0);
	if (!rc && (w.found.branch_pages != db->branch_pages ||
			   w.found.leaf_pages != db->leaf_pages ||
			   w.found.overflow_pages != db->overflow_pages ||
			   w.found.entries != db->entries))
		rc = ERR_CORRUPT;
	return rc;
}

static int read_meta(struct inspection *in, uint64_t offset, struct lmdb_meta *out)
{
	struct {
		struct lmdb_page header;
		struct lmdb_meta meta;
	} m;
	int rc = read_at(in, &m, sizeof m, offset);

	if (rc)
		return rc;
	if (!(m.header.flags & P_META) || m.meta.magic != MDB_MAGIC)
		return ERR_CORRUPT;
	if (m.meta.version != MDB_DATA_VERSION)
		return ERR_UNSUPPORTED;
	*out = m.meta;
	return 0;
}

/* The newer of the two, as LMDB chooses it: for reading by its transaction's parity. */
static int choose_meta(struct inspection *in, uint64_t file_size, struct lmdb_meta *out)
{
	struct lmdb_meta m[2];
	size_t page_size;
	unsigned newer;
	int rc = read_meta(in, 0, &m[0]);

	if (rc)
		return rc;
	page_size = m[0].dbs[TREE_FREE].pad;
	if (page_size < LMDB_PAGE_MIN || page_size > LMDB_PAGE_MAX ||
		(page_size & (page_size - 1)))
		return ERR_CORRUPT;
	rc = read_meta(in, page_size, &m[1]);
	if (rc)
		return rc;
	newer = m[0].txn < m[1].txn;
	if ((m[newer].txn & 1) != newer || m[!newer].dbs[TREE_FREE].pad != page_size ||
		m[newer].dbs[TREE_FREE].pad != page_size || m[newer].last_page < 1 ||
		m[newer].last_page > file_size / page_size + UNWRITTEN_MAX ||
		m[newer].map_size > MAP_CAP)
		return ERR_CORRUPT;
	in->page_size = page_size;
	in->last_page = m[newer].last_page;
	in->txn = m[newer].txn;
	*out = m[newer];
	return 0;
}

/* *out: of the newer head. ERR_ABSENT: there is nothing yet. */
static int inspect_heads(struct inspection *in, struct lmdb_meta *out)
{
	struct stat st;

	if (fstat(in->fd, &st))
		return error_from_errno(errno);
	return st.st_size ? choose_meta(in, (uint64_t)st.st_size, out) : ERR_ABSENT;
}

static int inspect_trees(struct inspection *in)
{
	struct lmdb_meta meta = {0};
	int rc = inspect_heads(in, &meta);

	if (rc)
		return rc;
	in->seen = calloc(in->last_page / 8 + 1, 1);
	in->levels = malloc((2 * DEPTH_MAX + 1) * in->page_size);
	if (!in->seen || !in->levels)
		return ERR_NO_MEMORY;
	in->used = in->levels + 2 * DEPTH_MAX * in->page_size;
	rc = check_tree(in, TREE_FREE, &meta.dbs[TREE_FREE]);
	if (!rc)
		rc = check_tree(in, TREE_MAIN, &meta.dbs[TREE_MAIN]);
	in->sum.bytes = in->last_page + 1;
	return rc;
}

/* What is not there, or is empty, is sound. */
static int inspect(const char *file, struct inspection *in, bool trees)
{
	struct lmdb_meta meta;
	int rc;

	in->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (in->fd < 0)
		return errno == ENOENT ? 0 : error_from_errno(errno);
	rc = trees ? inspect_trees(in) : inspect_heads(in, &meta);
	close(in->fd);
	return rc == ERR_ABSENT ? 0 : rc;
}

int structure_check_file(const char *file, struct structure *out)
{
	struct inspection in = {0};
	int rc = inspect(file, &in, true);

	free(in.seen);
	free(in.levels);
	if (!rc)
		*out = (struct structure){
			in.sum.bytes * in.page_size, in.sum.free * in.page_size};
	return rc;
}

int structure_check(const char *path, struct structure *out)
{
	char *file;
	int rc;

	if (asprintf(&file, "%s/data.mdb", path) < 0)
		return ERR_NO_MEMORY;
	rc = structure_check_file(file, out);
	free(file);
	return rc;
}

int structure_check_heads(const char *path)
{
	struct inspection in = {0};
	char *file;
	int rc;

	if (asprintf(&file, "%s/data.mdb", path) < 0)
		return ERR_NO_MEMORY;
	rc = inspect(file, &in, false);
	free(file);
	return rc;
}
