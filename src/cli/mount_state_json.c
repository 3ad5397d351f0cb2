/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_state_json.h"

#include <unistd.h>

#include "cli/json_output.h"
#include "format/json.h"
#include "format/json_byte_string.h"
#include "util/clock.h"

#define ENGINE "fuse" /* there is no other yet */
#define ENGINE_REASON "this version has no other"

static void put_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_output_number(n));
}

static void put_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_output_words(text));
}

/* What is to be used again as it is. */
static void put_bytes(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_byte_string(span_of_string(text)));
}

/* null: never. */
static void put_state_time(json_t *o, const char *key, int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(seconds, text);
	json_object_set_new(o, key, seconds ? json_string(text) : json_null());
}

static void put_member(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static void put_dataset(json_t *o, const struct running_mount *m)
{
	const struct dataset *d = m->reader->dataset;
	char key[PUBLIC_KEY_TEXT_SIZE];

	public_key_to_text(&d->key, key);
	put_bytes(o, "url", d->url);
	put_text(o, "dataset", d->manifest->name);
	put_member(o, "id", json_digest(&d->id));
	put_text(o, "key", key);
	if (m->request->reader.dataset.tag)
		put_text(o, "tag", m->request->reader.dataset.tag);
}

static json_t *follow_json(const struct follow_state *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "follows", json_boolean(f->follows));
	put_number(o, "every_seconds", (uint64_t)f->every);
	put_state_time(o, "looked", f->looked);
	json_object_set_new(o, "trouble",
		f->trouble.code ? json_output_words(f->trouble.text) : json_null());
	return o;
}

static void put_revision(json_t *o, const struct mount_state *s)
{
	const struct follow_state *f = &s->follow;

	put_number(o, "revision", f->revision);
	put_state_time(o, "created", f->created);
	put_number(o, "age_seconds",
		f->created < s->now ? (uint64_t)(s->now - f->created) : 0);
	put_state_time(o, "shown_since", f->shown);
	put_number(o, "newest_known", s->newest);
	put_member(o, "follow", follow_json(f));
}

static json_t *choice_json(const char *name, const char *reason)
{
	json_t *o = json_object();

	put_text(o, "mode", name);
	put_text(o, "reason", reason);
	return o;
}

static void put_modes(json_t *o, const struct session_state *s)
{
	put_member(o, "engine", choice_json(ENGINE, ENGINE_REASON));
	put_member(o, "open",
		s->introduced ? choice_json(open_mode_name(s->open.mode), s->open.reason)
			      : json_null());
}

static json_t *meter_json(const struct meter_copy *c)
{
	json_t *o = json_object();

	put_number(o, "count", c->time.count);
	put_number(o, "waited", c->waited);
	put_number(o, "failed", c->failed);
	put_number(o, "sum_ns", c->time.sum);
	put_number(o, "p50_ns", histogram_share(&c->time, 500));
	put_number(o, "p90_ns", histogram_share(&c->time, 900));
	put_number(o, "p99_ns", histogram_share(&c->time, 990));
	put_number(o, "max_ns", histogram_share(&c->time, 1000));
	return o;
}

static void put_meters(json_t *o, const struct meters *meters, unsigned parked)
{
	json_t *operations = json_object(), *bytes = json_object(), *all;
	struct meter_copy copy;

	meters_sum(meters, &copy);
	all = meter_json(&copy);
	put_number(all, "parked", parked);
	put_member(o, "requests", all);
	for (unsigned i = 0; i < METER_COUNT; i++) {
		meters_look(meters, (enum meter)i, &copy);
		if (copy.time.count)
			put_member(
				operations, meter_name((enum meter)i), meter_json(&copy));
	}
	put_member(o, "operations", operations);
	put_number(bytes, "pages", meters_bytes(meters, METER_PAGES));
	put_number(bytes, "cache", meters_bytes(meters, METER_CACHE));
	put_number(bytes, "wire", meters_bytes(meters, METER_WIRE));
	put_member(o, "answered_bytes", bytes);
}

static json_t *wire_json(const struct fetcher_counters *c)
{
	json_t *o = json_object();

	put_number(o, "bytes", c->bytes);
	put_number(o, "requests", c->requests);
	put_number(o, "retries", c->retries);
	put_number(o, "failures", c->failures);
	put_number(o, "doubled", c->doubled);
	put_number(o, "queued", c->queued);
	put_number(o, "active", c->active);
	return o;
}

static json_t *mirrors_json(const struct mount_state *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->mirror_count; i++) {
		const struct mirror_state *mirror = &s->mirrors[i];
		json_t *o = json_object();

		put_bytes(o, "url", mirror->url);
		put_text(o, "health", health_name(mirror->health.word));
		put_number(o, "failures", mirror->health.failures);
		put_number(o, "spared_ns", (uint64_t)mirror->spared);
		put_number(o, "usual_ns", (uint64_t)mirror->usual);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *cache_json(const struct mount_state *s)
{
	json_t *o = json_object();

	if (!s->has_cache)
		return o;
	put_number(o, "resident", s->cache.resident);
	put_number(o, "metadata", s->cache.metadata);
	put_number(o, "quota", s->cache.quota);
	put_number(o, "floor", s->cache.floor);
	put_number(o, "disk_free", s->cache.disk_free);
	return o;
}

void mount_state_json(const struct running_mount *m, json_t *out)
{
	struct mount_state s;

	mount_state_look(m, &s);
	put_bytes(out, "mountpoint", m->request->session.mountpoint);
	put_text(out, "version", PACKAGE_VERSION);
	put_number(out, "pid", (uint64_t)getpid());
	put_number(out, "uptime_seconds", (uint64_t)s.uptime);
	put_dataset(out, m);
	put_revision(out, &s);
	put_modes(out, &s.session);
	put_meters(out, session_meters(m->session), s.session.parked);
	put_member(out, "wire", wire_json(&s.wire));
	put_member(out, "mirrors", mirrors_json(&s));
	put_member(out, "cache", cache_json(&s));
}
