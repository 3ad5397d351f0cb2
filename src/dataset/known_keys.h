/* SPDX-License-Identifier: MIT */
/*
 * Which key speaks for which store: the file `known_keys` in the configuration
 * directory, one line "URL PUBKEY" each, the way ssh keeps known_hosts. Empty lines and
 * those that begin with '#' are for people. Blocking file I/O; callers are at start-up.
 * Written by atomic replacement under a lock.
 */
#ifndef CAIRN_DATASET_KNOWN_KEYS_H
#define CAIRN_DATASET_KNOWN_KEYS_H

#include <stdbool.h>

#include "format/signature.h"

#define KNOWN_KEYS_SIZE_MAX (4u << 20) /* bytes of the file */

/* The file's path as the other two take it: heap, or NULL without memory. */
char *known_keys_file(const char *file);
/* ERR_ABSENT when the URL is not known, without a sentence. `file` NULL: the user's.
 * ERR_CORRUPT: its line is not understood. */
int known_keys_lookup(
	const char *file, const char *url, struct public_key *out, struct trouble *t);
/* Adds a line, and the file when it is missing. ERR_EXISTS: the URL is known by another
 * key; by the same: 0. */
int known_keys_add(
	const char *file, const char *url, const struct public_key *key, struct trouble *t);
/* Takes out the lines of that URL. ERR_ABSENT, without a sentence: there is none. */
int known_keys_remove(const char *file, const char *url, struct trouble *t);
/* Each URL with its key, borrowed; lines that are not understood are passed over. What the
 * callback returns other than 0 stops and is returned. */
typedef int (*known_keys_fn)(void *ctx, struct span url, const struct public_key *key);
int known_keys_each(const char *file, known_keys_fn each, void *ctx, struct trouble *t);
/* Can that be a URL's word in a line? */
bool known_keys_can_name(const char *url);
/* Appends what that file, or the one of datasets beside it, holds; at most `max` bytes.
 * ERR_ABSENT, without a sentence; else one that begins with `what`.
 * ERR_INVALID: it is a FIFO or a device, which might wait for ever. */
int known_keys_read(const char *path, const char *what, size_t max, struct bytes *text,
	struct trouble *t);
/* Makes the file's directory and takes the lock, for who changes the file at `path` or what
 * lies beside it; waited for until a deadline. Until it is given back, Ctrl-Z waits. */
int known_keys_lock(const char *path, int *fd, struct trouble *t);
void known_keys_unlock(int fd);

#endif
