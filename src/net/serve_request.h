/* SPDX-License-Identifier: MIT */
/*
 * What a request to the embedded server asks for: which file, which of its bytes, and
 * whether the client has them already (RFC 9110). Pure; any thread.
 */
#ifndef CAIRN_NET_SERVE_REQUEST_H
#define CAIRN_NET_SERVE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define SERVE_ETAG_SIZE 80

enum serve_kind {
	SERVE_NOTHING,	/* no name that a store has */
	SERVE_DOCUMENT, /* manifest.json, tags/NAME.json: may change */
	SERVE_REVISION, /* revisions/N.json: never changes */
	SERVE_BLOB,	/* blobs/ab/cdef...: never changes, and its name says what it is */
};
/* `path` as below the store, without a leading '/'. */
enum serve_kind serve_path_kind(const char *path);
/* In quotes. Blobs: from the name; others: from size, time and inode. */
void serve_etag(enum serve_kind kind, const char *path, const struct stat *st,
	char etag[SERVE_ETAG_SIZE]);
/* Is `etag` (strong, in quotes) in the list of an If-None-Match? Weak comparison. */
bool serve_etag_listed(const char *list, const char *etag);

enum serve_range { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };
/* A Range header's value (NULL: none) against a file of `size` bytes; *offset and *length
 * (at least 1) are set for RANGE_PART. Whatever is not one well-formed range of bytes
 * means the whole file, as it may by RFC 9110, 14.2. */
enum serve_range serve_range_parse(
	const char *value, uint64_t size, uint64_t *offset, uint64_t *length);

#endif
