/* SPDX-License-Identifier: MIT */
/*
 * How a running mount is doing: what status and metrics tell is gathered here. Nobody who
 * answers requests is waited for, nor the network. Any thread; blocking reads of the
 * cache's books.
 */
#ifndef CAIRN_CLI_MOUNT_STATE_H
#define CAIRN_CLI_MOUNT_STATE_H

#include "cache/inspect.h"
#include "cli/running_mount.h"
#include "net/mirrors.h"

struct mirror_state {
	const char *url; /* borrowed */
	struct health_state health;
	int64_t spared; /* ns that are left of that; 0: it may be asked */
	int64_t usual;	/* ns that it takes for a small blob; 0: it was not measured */
};

struct mount_state {
	int64_t now;	/* seconds since 1970 */
	int64_t uptime; /* seconds */
	struct session_state session;
	struct follow_state follow;
	uint64_t newest; /* revision that is known of, shown or not */
	struct fetcher_counters wire;
	bool has_cache; /* its books could be read */
	struct cache_usage cache;
	unsigned mirror_count;
	struct mirror_state mirrors[MIRRORS_MAX];
};
/* The meters (session_meters()) are looked at by who writes them down. */
void mount_state_look(const struct running_mount *m, struct mount_state *out);

#endif
