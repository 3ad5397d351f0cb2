/* SPDX-License-Identifier: MIT */
/*
 * XXH64, a fast 64-bit hash that notices rot in what this machine wrote itself. It is no
 * defence against an attacker: what comes from elsewhere is checked with SHA-256.
 * Used for the cache's records and for the boot id. Algorithm: github.com/Cyan4973/xxHash,
 * doc/xxhash_spec.md. Pure; any thread.
 */
#ifndef CAIRN_UTIL_CHECKSUM_H
#define CAIRN_UTIL_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Of `size` bytes; the same on every machine. */
uint64_t checksum_of(const void *data, size_t size);

#endif
