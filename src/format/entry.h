/* SPDX-License-Identifier: MIT */
/*
 * One name in the tree with all its attributes, and how a file's content is found:
 * file -> slice of an object -> chunks -> blobs. Plain structs, no ownership: spans
 * borrow from whoever filled them (a page view, a page builder's caller).
 */
#ifndef CAIRN_FORMAT_ENTRY_H
#define CAIRN_FORMAT_ENTRY_H

#include "format/extent.h"
#include "util/bytes.h"
#include "util/digest.h"

#define LINK_TARGET_SIZE_MAX 4095
#define XATTR_NAME_SIZE_MAX 255
#define XATTR_VALUE_SIZE_MAX 65536
#define XATTR_COUNT_MAX 1024
/* Runs of data: those that an entry has itself, and all of a file. */
#define EXTENT_COUNT_MAX 4096
#define EXTENT_RUNS_MAX (UINT64_C(1) << 32)
#define ENTRY_SIZE_MAX ((uint64_t)INT64_MAX)

enum entry_type {
	ENTRY_FILE = 'f',
	ENTRY_DIRECTORY = 'd',
	ENTRY_SYMLINK = 'l',
	ENTRY_CHARACTER = 'c',
	ENTRY_BLOCK = 'b',
	ENTRY_FIFO = 'p',
	ENTRY_SOCKET = 's',
};

/* How the chunks of an object are known. */
enum object_form {
	OBJECT_SINGLE, /* one chunk, whose digest is the object's */
	OBJECT_LISTED, /* a list of at most OBJECT_LISTED_MAX chunks in the leaf page */
	OBJECT_RECIPE, /* a recipe blob */
};
#define OBJECT_LISTED_MAX 32

/* One chunk as lists and recipes give it. */
struct chunk_ref {
	struct digest digest;
	uint32_t size; /* bytes, 1..CHUNK_SIZE_MAX */
};

/* An object as a leaf page describes it; `list` borrows from the page: `count` packed
 * chunk records, read with chunk_list_at(). */
struct object_ref {
	struct digest digest; /* SHA-256 of the object's bytes */
	uint64_t size;	      /* bytes, at least 1 */
	enum object_form form;
	struct digest recipe; /* OBJECT_RECIPE */
	uint32_t count;	      /* OBJECT_LISTED: chunks in `list` */
	const uint8_t *list;  /* OBJECT_LISTED: count records of CHUNK_RECORD_SIZE */
	/* OBJECT_LISTED, where it comes out of a page: SHA-256 of these records. A page
	 * says it so that no read has to hash them; see object_id.h. */
	struct digest layout;
};
#define CHUNK_RECORD_SIZE 36 /* 32 digest, 4 size (native order) */
struct chunk_ref chunk_list_at(const uint8_t *list, uint32_t index);
void chunk_list_put(uint8_t *list, uint32_t index, const struct chunk_ref *chunk);

/* The runs of a file that has more than EXTENT_COUNT_MAX: they stand in blobs of their own
 * (extent_list.h), of which `digest` names the root. `count` 0: there is no such list. */
struct extents_ref {
	struct digest digest;
	uint64_t count; /* runs */
	uint64_t size;	/* bytes of them together: what the file occupies in its object */
};

struct entry {
	struct span parent; /* path of the directory, "" for the root's children */
	struct span name;   /* "" only for the root */
	enum entry_type type;
	uint16_t mode; /* permission bits, 07777 */
	uint32_t uid, gid;
	int64_t mtime;	       /* seconds since 1970, may be negative */
	uint32_t mtime_nsec;   /* 0..999999999 */
	uint64_t size;	       /* bytes: of a file, of a symlink's target; else 0 */
	uint32_t links;	       /* names of this inode within the dataset; directory: 2 +
				  subdirectories */
	uint64_t inode;	       /* stable; shared by the names of a hard-link group */
	uint32_t major, minor; /* devices */
	struct span target;    /* symlinks */
	/* Extended attributes, sorted by name, packed: see xattr_next(). */
	struct span xattrs;
	/* Files with data: */
	bool has_content; /* false: no bytes at all (empty, or one hole) */
	struct digest
		content; /* SHA-256 of the file's data: all bytes, without the holes */
	struct object_ref object;
	uint64_t offset; /* where the file's data begins in the object */
	/* Sparse files: the data runs, ascending; their sizes add up to the slice.
	 * extent_count 0: not sparse, the slice has `size` bytes (or none when
	 * !has_content: a hole of `size` bytes), unless there is a list of them.
	 * `extents` points at extent_count packed records (extent.h). */
	uint32_t extent_count;
	const uint8_t *extents;
	struct extents_ref run_list; /* then extent_count is 0 */
};

/* Bytes of the slice: what the file occupies in its object. */
uint64_t entry_data_size(const struct entry *e);
/* Data runs of a file; one when it is not sparse. */
uint64_t entry_run_count(const struct entry *e);
/* The piece that begins at `offset` (< size): to the end of the extent, the hole or the
 * file. O(log extents). Not of a file whose runs stand in a list: see cache/file_map.h. */
struct piece entry_map(const struct entry *e, uint64_t offset);
/* lseek(2) SEEK_DATA / SEEK_HOLE: 0, or ERR_ABSENT for ENXIO. The same holds. */
int entry_seek(const struct entry *e, uint64_t offset, bool data, uint64_t *out);
/* 0, or ERR_CORRUPT when an attribute breaks the format's rules: then *column (may be
 * NULL) is the name of its column in a leaf page. An inode of 0 passes: not given.
 * Not checked: parent and name (format/names.h), the object (object_check). */
int entry_check(const struct entry *e, const char **column);
/* 0 or ERR_CORRUPT: the size and chunk list of an object. */
int object_check(const struct object_ref *o);
/* Is it the same object, described in the same way? */
bool object_equal(const struct object_ref *a, const struct object_ref *b);
/* All attributes and the content are the same (where the content lies may differ). */
bool entry_same(const struct entry *a, const struct entry *b);
/* S_IFREG | mode and so on. */
uint32_t entry_st_mode(const struct entry *e);

/* Packed xattrs: u16 name size, u32 value size (native order), name, value; repeated. */
struct xattr {
	struct span name, value;
};
/* Steps through; returns false at the end. `*at` starts at 0. Bounds-checked. */
bool xattr_next(struct span packed, size_t *at, struct xattr *out);
int xattr_append(struct bytes *packed, struct span name, struct span value);
bool xattr_find(struct span packed, struct span name, struct span *value);
/* Is there a POSIX access control list among them? */
bool xattrs_have_acl(struct span packed);

#endif
