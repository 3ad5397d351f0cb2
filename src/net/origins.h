/* SPDX-License-Identifier: MIT */
/*
 * The servers that a fetcher talks to, by scheme, host and port: how many tries are under
 * way at each, and how many there may be. A server that has answered in HTTP/2 carries
 * many on one connection; any other has one on each. For the fetcher's thread alone.
 */
#ifndef CAIRN_NET_ORIGINS_H
#define CAIRN_NET_ORIGINS_H

#include <stdbool.h>

#define ORIGINS_MAX 128
#define STREAMS_MAX 100 /* tries at once over HTTP/2: what most servers allow */

enum multiplexing { MULTIPLEXING_UNKNOWN, MULTIPLEXING_YES, MULTIPLEXING_NO };

struct origin {
	char *name;
	unsigned active;
	enum multiplexing multiplexing;
};

struct origins {
	unsigned count;
	unsigned connections; /* tries at once where there is no multiplexing */
	struct origin items[ORIGINS_MAX];
};

/* `connections`: at most, to each. */
void origins_init(struct origins *o, unsigned connections);
void origins_release(struct origins *o);
/* Never NULL: those that find no place (or no memory) share the last place. */
struct origin *origins_find(struct origins *o, const char *name);
/* May another try begin? Those that nobody waits for leave a quarter free. */
bool origins_has_slot(const struct origins *o, const struct origin *origin, bool demand);

#endif
