/* SPDX-License-Identifier: MIT */
/*
 * The user's signing keys: PEM files of mode 0600 in ~/.config/cairn/keys, for `cairn key`
 * and `cairn publish`. The tool's thread; blocking file I/O.
 */
#ifndef CAIRN_CLI_KEYS_H
#define CAIRN_CLI_KEYS_H

#include "format/signature.h"

/* Where the key of that name lies, or would: heap, or NULL with a sentence. */
char *keys_path(const char *name, struct trouble *t);
/* ERR_ABSENT, ERR_DENIED (also when others may read it), ERR_CORRUPT, with a sentence.
 * *out is the caller's, to be freed with private_key_free(). */
int keys_load(const char *path, struct private_key **out, struct trouble *t);
/* The one in that file; NULL: the user's own, which has to be there. As above. */
int keys_load_own(const char *file, struct private_key **out, struct trouble *t);
/* Makes a key, its file and its directory; ERR_EXISTS. *out as above. */
int keys_make(const char *path, struct private_key **out, struct trouble *t);
/* Calls `each` for every key in the directory, in no order; the texts are borrowed for the
 * call. Non-zero from it stops and is returned. No directory: no keys. */
int keys_each(int (*each)(void *ctx, const char *name, const char *path), void *ctx,
	struct trouble *t);

#endif
