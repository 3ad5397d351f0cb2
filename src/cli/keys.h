/* SPDX-License-Identifier: MIT */
/* The user's signing keys: PEM files of mode 0600 in ~/.config/cairn/keys. Blocking. */
#ifndef CAIRN_CLI_KEYS_H
#define CAIRN_CLI_KEYS_H

#include "format/signature.h"

/* Where the key of that name lies: heap, or NULL with a sentence. */
char *keys_path(const char *name, struct trouble *t);
/* ERR_ABSENT, ERR_DENIED (also when others may read it), ERR_CORRUPT, with a sentence. */
int keys_load(const char *path, struct private_key **out, struct trouble *t);
/* Makes a key and its directory; ERR_EXISTS. */
int keys_make(const char *path, struct private_key **out, struct trouble *t);
int keys_each(int (*each)(void *ctx, const char *name, const char *path), void *ctx,
	struct trouble *t);

#endif
