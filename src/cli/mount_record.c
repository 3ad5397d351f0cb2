/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mount_record.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/json.h"
#include "format/json_byte_string.h"
#include "util/home.h"
#include "util/io.h"

#define RECORD_SIZE_MAX 65536

void mount_record_release(struct mount_record *m)
{
	free(m->mountpoint);
	free(m->url);
	free(m->cache);
	free(m->trust);
	free(m->cacert);
	free(m->client_cert);
	free(m->client_key);
	free(m->bearer_file);
	free(m->proxy);
	free(m->socket);
	memset(m, 0, sizeof *m);
}

static void record_put(json_t *o, const char *key, const char *value)
{
	if (value)
		json_object_set_new(o, key, json_byte_string(span_of_string(value)));
}

static json_t *record_json(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision)
{
	json_t *json = json_object();
	char *cache = o->cache ? strdup(o->cache) : home_cache_directory();
	char key[PUBLIC_KEY_TEXT_SIZE];

	public_key_to_text(&r->dataset->key, key);
	record_put(json, "mountpoint", mountpoint);
	record_put(json, "url", r->dataset->url);
	record_put(json, "cache", cache);
	record_put(json, "trust", key);
	record_put(json, "cacert", o->credentials.cacert);
	record_put(json, "client_cert", o->credentials.client_cert);
	record_put(json, "client_key", o->credentials.client_key);
	record_put(json, "bearer_file", o->credentials.bearer_file);
	record_put(json, "proxy", o->credentials.proxy);
	json_object_set_new(json, "netrc", json_boolean(o->credentials.netrc));
	json_object_set_new(json, "revision", json_integer((json_int_t)revision));
	json_object_set_new(json, "pid", json_integer(getpid()));
	free(cache);
	return json;
}

int mount_record_encode(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, struct bytes *out)
{
	json_t *json = record_json(mountpoint, o, r, revision);
	int rc = json_canonical(json, out);

	json_decref(json);
	return rc;
}

static char *record_get(const json_t *json, const char *key)
{
	struct bytes text = {0};
	const json_t *value = json_object_get(json, key);
	char *out = NULL;

	if (value && json_byte_string_decode(value, PATH_SIZE_MAX, &text) == 0)
		out = span_to_string(span_of_bytes(&text));
	bytes_release(&text);
	return out;
}

int mount_record_read(int dir, const char *name, struct mount_record *out)
{
	struct mount_record m = {0};
	struct bytes text = {0};
	json_t *json = NULL;
	uint64_t pid = 0;
	int rc = io_read_regular_file(dir, name, RECORD_SIZE_MAX, &text);

	if (!rc)
		rc = json_parse(span_of_bytes(&text), &json, NULL);
	bytes_release(&text);
	if (rc)
		return rc;
	m.mountpoint = record_get(json, "mountpoint");
	m.url = record_get(json, "url");
	m.cache = record_get(json, "cache");
	m.trust = record_get(json, "trust");
	m.cacert = record_get(json, "cacert");
	m.client_cert = record_get(json, "client_cert");
	m.client_key = record_get(json, "client_key");
	m.bearer_file = record_get(json, "bearer_file");
	m.proxy = record_get(json, "proxy");
	m.netrc = json_is_true(json_object_get(json, "netrc"));
	json_get_u64(json_object_get(json, "revision"), REVISION_MAX, &m.revision);
	json_get_u64(json_object_get(json, "pid"), INT32_MAX, &pid);
	m.pid = (pid_t)pid;
	json_decref(json);
	if (!m.mountpoint || !m.url || !m.cache || !m.trust || m.pid <= 0) {
		mount_record_release(&m);
		return ERR_CORRUPT;
	}
	*out = m;
	return 0;
}
