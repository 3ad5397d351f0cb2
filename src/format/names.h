/* SPDX-License-Identifier: MIT */
/*
 * The order of paths, the rules for names, and the keys of entries.
 *
 * Paths are relative to the dataset's root, without leading or trailing '/', ""
 * being the root itself. Entries are sorted by (parent path, name), bytewise, with
 * '/' before every other byte; the root entry (parent "", name "") is first. So a
 * directory is one run, a subtree is one run, and the order is the order of a walk
 * that lists each directory whole before it descends into its sorted children.
 *
 * The key of an entry is that order made comparable with memcmp:
 * enc(parent) 0x00 enc(name), where enc maps '/' to 0x01, bytes 0x01..0x2e to
 * 0x02..0x2f and leaves the rest. The root's key is the one byte 0x00.
 * Pure; any thread.
 */
#ifndef CAIRN_FORMAT_NAMES_H
#define CAIRN_FORMAT_NAMES_H

#include "util/bytes.h"
#include "util/digest.h"

#define NAME_SIZE_MAX 255  /* NAME_MAX of Linux */
#define PATH_SIZE_MAX 4095 /* PATH_MAX of Linux less the NUL */
#define KEY_SIZE_MAX (PATH_SIZE_MAX + 1)

struct key {
	size_t size;
	uint8_t data[KEY_SIZE_MAX];
};

/* 0, or ERR_CORRUPT: empty, ".", "..", has '/' or NUL, or is too long. */
int name_check(struct span name);
/* 0, or ERR_CORRUPT: every component as name_check; "" is good; ERR_LIMIT: too long. */
int path_check(struct span path);
/* ERR_LIMIT when parent + '/' + name is over PATH_SIZE_MAX. Checks nothing else. */
int key_encode(struct span parent, struct span name, struct key *out);
int key_compare(const struct key *a, const struct key *b);
/* Orders two parent paths as the keys of their entries order. */
int path_compare(struct span a, struct span b);
/* Orders two entries, each by its parent path and name, as their keys order. */
int place_compare(
	struct span parent_a, struct span name_a, struct span parent_b, struct span name_b);
/* Splits "a/b/c" into "a/b" and "c"; "c" into "" and "c"; "" into "" and "". Borrows. */
void path_split(struct span path, struct span *parent, struct span *name);
/* parent, '/', name into out (cleared first). */
int path_join(struct span parent, struct span name, struct bytes *out);

/* What the format derives from the SHA-256 of an entry's key. */
struct key_hash {
	struct digest digest;
};
struct key_hash key_hash_of(const struct key *key);
/* The inode number of an entry whose row gives none: the digest's first 8 bytes, big
 * endian, without the top bit; 0 and 1 become 2 and 3. */
uint64_t key_hash_inode(const struct key_hash *h);
/* True with probability 1/`one_in` at tree level `level` (0: leaves): the big-endian
 * 32-bit word at byte 8 + 4*min(level, 5) is below 2^32/one_in. */
bool key_hash_cuts(const struct key_hash *h, unsigned level, uint32_t one_in);

#endif
