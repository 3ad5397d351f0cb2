/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/json.h"
#include "format/json_byte_string.h"
#include "util/home.h"
#include "util/io.h"

#define RECORD_SIZE_MAX 65536
#define RECORD_NAME_SIZE (DIGEST_HEX_SIZE + 8)

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
	memset(m, 0, sizeof *m);
}

static char *run_directory(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char *dir = NULL;
	int n;

	if (geteuid() == 0)
		return strdup("/run/cairn");
	n = runtime && *runtime ? asprintf(&dir, "%s/cairn", runtime)
				: asprintf(&dir, "/tmp/cairn-%u", (unsigned)geteuid());
	return n < 0 ? NULL : dir;
}

/* The directory, ours alone; -1 when it is not there or not ours. */
static int open_run_directory(bool make)
{
	char *dir = run_directory();
	struct stat st;
	int fd = -1;

	if (dir && make)
		io_make_directories(dir, 0700);
	if (dir)
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	free(dir);
	if (fd >= 0 && (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 022))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void record_name(const char *mountpoint, char name[RECORD_NAME_SIZE])
{
	struct digest d = digest_of(mountpoint, strlen(mountpoint));
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&d, hex);
	snprintf(name, RECORD_NAME_SIZE, "%.32s.json", hex);
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
	char *cache = o->cache ? realpath(o->cache, NULL) : home_cache_directory();
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

int mounts_add(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, struct trouble *t)
{
	char name[RECORD_NAME_SIZE];
	struct bytes text = {0};
	json_t *json = record_json(mountpoint, o, r, revision);
	int dir = open_run_directory(true);
	int rc = dir < 0 ? ERR_DENIED : json_canonical(json, &text);

	record_name(mountpoint, name);
	if (!rc)
		rc = io_replace_file(dir, name, span_of_bytes(&text), 0600, 0);
	if (rc)
		trouble_set(t, rc, "cannot note the mount for other tools (%s)",
			error_text(rc));
	if (dir >= 0)
		close(dir);
	bytes_release(&text);
	json_decref(json);
	return rc;
}

void mounts_remove(const char *mountpoint)
{
	char name[RECORD_NAME_SIZE];
	int dir = open_run_directory(false);

	if (dir < 0)
		return;
	record_name(mountpoint, name);
	unlinkat(dir, name, 0);
	close(dir);
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

static int record_read(int dir, const char *name, struct mount_record *out)
{
	struct mount_record m = {0};
	struct bytes text = {0};
	json_t *json = NULL;
	uint64_t pid = 0;
	int rc = io_read_file(dir, name, RECORD_SIZE_MAX, &text);

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

/* Where `path` continues behind the mount point, or NULL when it is not in it. */
static const char *path_below(const char *path, const char *mountpoint)
{
	size_t n = strlen(mountpoint);

	if (strncmp(path, mountpoint, n) != 0)
		return NULL;
	if (path[n] == '/')
		return path + n + 1;
	return path[n] ? NULL : "";
}

/* Resolves as much of the path as exists, so that globs in the last part may stand. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL), *copy, *slash, *above, *out = NULL;

	if (real || !*path)
		return real;
	copy = strdup(path);
	slash = copy ? strrchr(copy, '/') : NULL;
	if (slash)
		*slash = '\0';
	above = copy && slash != copy ? resolve(slash ? copy : ".") : NULL;
	if (above && asprintf(&out, "%s/%s", above, slash ? slash + 1 : path) < 0)
		out = NULL;
	free(above);
	free(copy);
	return out;
}

/* Whether `m` is the mount that `path` is in, and a nearer one than *out. */
static bool is_nearer(
	const struct mount_record *m, const char *path, const struct mount_record *out)
{
	return path_below(path, m->mountpoint) &&
	       (!out->mountpoint || strlen(m->mountpoint) > strlen(out->mountpoint));
}

/* The next one that runs; false: there are no more. What is left of others goes. */
static bool next_record(DIR *d, struct mount_record *out)
{
	struct dirent *e;

	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' || record_read(dirfd(d), e->d_name, out))
			continue;
		if (!kill(out->pid, 0) || errno != ESRCH)
			return true;
		unlinkat(dirfd(d), e->d_name, 0);
		mount_record_release(out);
	}
	return false;
}

/* NULL: there is none. */
static DIR *open_records(void)
{
	int fd = open_run_directory(false);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	if (!d && fd >= 0)
		close(fd);
	return d;
}

int mounts_find(const char *path, struct mount_record *out, char **below)
{
	DIR *d = open_records();
	char *real = resolve(path), *rest = NULL;
	struct mount_record m, found = {0};

	while (d && real && next_record(d, &m)) {
		if (is_nearer(&m, real, &found)) {
			mount_record_release(&found);
			found = m;
			continue;
		}
		mount_record_release(&m);
	}
	if (found.mountpoint)
		rest = strdup(path_below(real, found.mountpoint));
	if (d)
		closedir(d);
	free(real);
	if (!rest) {
		mount_record_release(&found);
		return ERR_ABSENT;
	}
	*out = found;
	*below = rest;
	return 0;
}

int mounts_each(int (*each)(void *ctx, const struct mount_record *m), void *ctx)
{
	DIR *d = open_records();
	struct mount_record m;
	int rc = 0;

	while (d && !rc && next_record(d, &m)) {
		rc = each(ctx, &m);
		mount_record_release(&m);
	}
	if (d)
		closedir(d);
	return rc;
}

char *mounts_socket(const char *mountpoint)
{
	char name[RECORD_NAME_SIZE], *dir = run_directory(), *path = NULL;

	record_name(mountpoint, name);
	if (dir && asprintf(&path, "%s/%.32s.sock", dir, name) < 0)
		path = NULL;
	free(dir);
	return path;
}

static void fill(char **slot, const char *value)
{
	if (!*slot && value)
		*slot = strdup(value);
}

static void fill_credentials(const struct mount_record *m, struct credentials *c)
{
	fill(&c->cacert, m->cacert);
	if (!c->client_cert && !c->client_key) {
		fill(&c->client_cert, m->client_cert);
		fill(&c->client_key, m->client_key);
	}
	fill(&c->bearer_file, m->bearer_file);
	fill(&c->proxy, m->proxy);
	c->netrc |= m->netrc;
}

void mounts_options(const struct mount_record *m, struct reader_options *o)
{
	o->dataset.url = m->url;
	if (!o->dataset.trust)
		o->dataset.trust = m->trust;
	if (!o->dataset.revision && !o->dataset.tag)
		o->dataset.revision = m->revision;
	if (!o->cache)
		o->cache = m->cache;
	fill_credentials(m, &o->credentials);
	reader_options_ask_password(o);
}
