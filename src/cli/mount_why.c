/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_why.h"

#include <stdio.h>

#include "cli/json_output.h"
#include "format/json.h"
#include "format/json_byte_string.h"
#include "util/clock.h"
#include "util/process.h"

static const char *const why_kinds[] = {
	[BLOB_CHUNK] = "chunk",
	[BLOB_PAGE] = "page",
	[BLOB_RECIPE] = "recipe",
	[BLOB_EXTENTS] = "list of extents",
};

static const char *const why_stages[] = {
	[BLOB_LOCAL] = "local",
	[BLOB_QUEUED] = "queued",
	[BLOB_WAITING] = "waiting",
	[BLOB_FETCHING] = "fetching",
	[BLOB_DECODING] = "decoding",
	[BLOB_ARRIVED] = "arrived",
};

static void set_ms(json_t *o, const char *key, int64_t ns)
{
	json_object_set_new(o, key, json_integer(ns > 0 ? ns / NS_PER_MS : 0));
}

static json_t *blob_wait_json(const struct blob_wait *b, int64_t now)
{
	json_t *o = json_pack("{s:s,s:o,s:s,s:i}", "kind", why_kinds[b->kind], "digest",
		json_digest(&b->digest), "stage", why_stages[b->stage], "try",
		(int)b->tries);

	if (b->mirror)
		json_object_set_new(o, "mirror", json_output_words(b->mirror));
	if (b->not_before)
		set_ms(o, "again_ms", b->not_before - now);
	if (b->deadline)
		set_ms(o, "left_ms", b->deadline - now);
	if (b->trouble.code)
		json_object_set_new(o, "error", json_output_words(b->trouble.text));
	return o;
}

static json_t *asker_json(const struct parked_look *look)
{
	struct process_info who;
	json_t *o = json_object();

	process_of_thread(look->thread, &who);
	if (who.pid)
		json_object_set_new(o, "pid", json_integer(who.pid));
	if (who.name[0])
		json_object_set_new(o, "comm", json_output_words(who.name));
	json_object_set_new(o, "uid", json_integer(look->uid));
	return o;
}

static json_t *look_json(const struct parked_look *look)
{
	int64_t now = clock_monotonic();
	json_t *o = json_pack("{s:o,s:s,s:o}", "process", asker_json(look), "operation",
		look->operation, "path", json_byte_string(path_span(&look->path)));
	json_t *blobs = json_array();

	if (look->is_read) {
		json_object_set_new(o, "offset", json_output_number(look->offset));
		json_object_set_new(o, "size", json_output_number(look->size));
	}
	set_ms(o, "waited_ms", now - look->since);
	if (look->deadline)
		set_ms(o, "left_ms", look->deadline - now);
	for (unsigned i = 0; i < look->blob_count && i < PARKED_BLOBS_MAX; i++)
		json_array_append_new(blobs, blob_wait_json(&look->blobs[i], now));
	if (look->for_manifest)
		json_object_set_new(o, "manifest", json_true());
	json_object_set_new(o, "blob_count", json_integer(look->blob_count));
	json_object_set_new(o, "blobs", blobs);
	return o;
}

static int why_each(void *ctx, const struct parked_look *look)
{
	json_t *o = look_json(look);
	int rc = control_stream_send(ctx, o);

	json_decref(o);
	return rc;
}

int mount_why(struct session *session, struct control_stream *s, struct trouble *t)
{
	unsigned count = 0;
	json_t *o = NULL;
	int rc = session_look_parked(session, &count, why_each, s);

	if (!rc) {
		o = json_pack("{s:i}", "parked", (int)count);
		rc = control_stream_send(s, o);
		json_decref(o);
	}
	return rc ? trouble_set(t, rc, "%s", error_text(rc)) : 0;
}
