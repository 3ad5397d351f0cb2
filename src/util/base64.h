/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648, section 4, with padding). Each byte string has one spelling: decoding
 * refuses every other. Pure; any thread.
 */
#ifndef CAIRN_UTIL_BASE64_H
#define CAIRN_UTIL_BASE64_H

#include "util/bytes.h"

#define BASE64_SIZE(size) (((size) + 2) / 3 * 4) /* characters for `size` bytes */

/* Into out[0..BASE64_SIZE(in.size)), without a NUL. */
void base64_write(struct span in, char *out);
/* Appended to `out`. ERR_NO_MEMORY. */
int base64_encode(struct span in, struct bytes *out);
/* Appended to `out`. ERR_CORRUPT: no base64, or not the one right spelling. ERR_NO_MEMORY.
 */
int base64_decode(struct span in, struct bytes *out);

#endif
