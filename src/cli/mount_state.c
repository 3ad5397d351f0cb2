/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_state.h"

#include "cache/dataset_state.h"
#include "util/clock.h"

#define SMALL_BLOB 65536 /* bytes */

static void look_at_mirrors(struct mirrors *m, struct mount_state *out)
{
	int64_t now = clock_monotonic();

	out->mirror_count = mirrors_count(m);
	for (unsigned i = 0; i < out->mirror_count; i++) {
		struct mirror_state *s = &out->mirrors[i];

		s->url = mirrors_url(m, i);
		s->health = mirrors_look(m, i, now);
		s->spared = s->health.until > now ? s->health.until - now : 0;
		s->usual = mirrors_usual_time(m, i, SMALL_BLOB);
	}
}

/* Another mount, or a tool, may have seen a newer one. */
static uint64_t newest_known(const struct reader *r, uint64_t shown)
{
	struct dataset_record record;
	uint64_t newest = shown;

	if (cache_dataset_load(r->cache, &r->dataset->id, &record))
		return newest;
	if (record.highest > newest)
		newest = record.highest;
	dataset_record_release(&record);
	return newest;
}

void mount_state_look(const struct running_mount *m, struct mount_state *out)
{
	struct reader *r = m->reader;

	*out = (struct mount_state){
		.now = clock_realtime() / NS_PER_SECOND,
		.uptime = (clock_monotonic() - m->began) / NS_PER_SECOND,
	};
	session_look(m->session, &out->session);
	mount_follow_state(m->follow, &out->follow);
	out->newest = newest_known(r, out->follow.revision);
	fetcher_count(engine_fetcher(r->engine), &out->wire);
	out->has_cache = cache_usage(r->cache, &out->cache) == 0;
	look_at_mirrors(source_mirrors(r->dataset->source), out);
}
