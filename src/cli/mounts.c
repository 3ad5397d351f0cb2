/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/mount_table.h"
#include "util/io.h"

#define RECORD_NAME_SIZE (DIGEST_HEX_SIZE + 8)
/* Of one user who is not the one that asks: each may let it wait. */
#define OTHERS_NOTES_MAX 256

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

/* The directory, that user's alone; -1 when it is not there or not so. */
static int open_directory_of(const char *dir, uid_t owner)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) || st.st_uid != owner || (st.st_mode & 022))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int open_run_directory(bool make)
{
	char *dir = run_directory();
	int fd = -1;

	if (dir && make)
		io_make_directories(dir, 0700);
	if (dir)
		fd = open_directory_of(dir, geteuid());
	free(dir);
	return fd;
}

static void record_name(const char *mountpoint, char name[RECORD_NAME_SIZE])
{
	struct digest d = digest_of(mountpoint, strlen(mountpoint));
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(&d, hex);
	snprintf(name, RECORD_NAME_SIZE, "%.32s.json", hex);
}

/* A mount that was let go of lazily may live on while another is on its place. */
static bool is_anothers_note(int dir, const char *name)
{
	struct mount_record m;
	bool is;

	if (mount_record_read(dir, name, &m))
		return false;
	is = m.pid != getpid();
	mount_record_release(&m);
	return is;
}

/* `spare`: not where it would replace another process's. */
static int put_note(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, bool spare, struct trouble *t)
{
	char name[RECORD_NAME_SIZE];
	struct bytes text = {0};
	int dir = open_run_directory(true);
	int rc = dir < 0 ? ERR_DENIED
			 : mount_record_encode(mountpoint, o, r, revision, &text);

	record_name(mountpoint, name);
	if (!rc && !(spare && is_anothers_note(dir, name)))
		rc = io_replace_file(dir, name, span_of_bytes(&text), 0600, 0);
	if (rc)
		trouble_set(t, rc, "cannot note the mount for other tools (%s)",
			error_text(rc));
	if (dir >= 0)
		close(dir);
	bytes_release(&text);
	return rc;
}

int mounts_add(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, struct trouble *t)
{
	return put_note(mountpoint, o, r, revision, false, t);
}

int mounts_renew(const char *mountpoint, const struct reader_options *o,
	const struct reader *r, uint64_t revision, struct trouble *t)
{
	return put_note(mountpoint, o, r, revision, true, t);
}

void mounts_remove(const char *mountpoint)
{
	char name[RECORD_NAME_SIZE];
	int dir = open_run_directory(false);

	if (dir < 0)
		return;
	record_name(mountpoint, name);
	if (!is_anothers_note(dir, name))
		unlinkat(dir, name, 0);
	close(dir);
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
char *mounts_resolve(const char *path)
{
	char *real = realpath(path, NULL), *copy, *slash, *above, *out = NULL;

	if (real || !*path)
		return real;
	copy = strdup(path);
	slash = copy ? strrchr(copy, '/') : NULL;
	if (slash)
		*slash = '\0';
	above = copy && slash != copy ? mounts_resolve(slash ? copy : ".") : NULL;
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

/* The notes in a directory of a user's. */
struct records {
	DIR *d; /* NULL: there are none */
	char *path;
	uid_t owner;
};

static void records_close(struct records *r)
{
	if (r->d)
		closedir(r->d);
	free(r->path);
}

/* `path` is taken over, and may be NULL. */
static void records_open(struct records *r, char *path, uid_t owner)
{
	int fd = path ? open_directory_of(path, owner) : -1;

	*r = (struct records){
		.d = fd >= 0 ? fdopendir(fd) : NULL, .path = path, .owner = owner};
	if (!r->d && fd >= 0)
		close(fd);
}

/* "HEX.json" has "HEX.sock" beside it. */
static char *socket_beside(const struct records *r, const char *name)
{
	const char *dot = strrchr(name, '.');
	char *path;

	if (!dot || asprintf(&path, "%s/%.*s.sock", r->path, (int)(dot - name), name) < 0)
		return NULL;
	return path;
}

/* The next one that runs; false: there are no more. What is left of others goes. */
static bool next_record(struct records *r, struct mount_record *out)
{
	struct dirent *e;

	while (r->d && (e = readdir(r->d))) {
		int dir = dirfd(r->d);

		if (e->d_name[0] == '.' || mount_record_read(dir, e->d_name, out))
			continue;
		out->owner = r->owner;
		out->socket = socket_beside(r, e->d_name);
		if (out->socket && (!kill(out->pid, 0) || errno != ESRCH))
			return true;
		if (out->socket) {
			unlinkat(dir, e->d_name, 0);
			unlinkat(dir, strrchr(out->socket, '/') + 1, 0);
		}
		mount_record_release(out);
	}
	return false;
}

static int is_at(void *path, const struct mount_record *m)
{
	size_t n = strlen(m->mountpoint);

	return !strncmp(path, m->mountpoint, n) &&
	       !((char *)path)[n + strspn((char *)path + n, "/")];
}

int mounts_find(const char *path, struct mount_record *out, char **below)
{
	/* One that is named as it stands here is not asked, which may hang. */
	char *real = mounts_each(is_at, (void *)(uintptr_t)path) ? strdup(path)
								 : mounts_resolve(path);
	char *rest = NULL;
	struct mount_record m, found = {0};
	struct records records;

	records_open(&records, run_directory(), geteuid());
	while (real && next_record(&records, &m)) {
		if (is_nearer(&m, real, &found)) {
			mount_record_release(&found);
			found = m;
			continue;
		}
		mount_record_release(&m);
	}
	if (found.mountpoint)
		rest = strdup(path_below(real, found.mountpoint));
	records_close(&records);
	free(real);
	if (!rest) {
		mount_record_release(&found);
		return ERR_ABSENT;
	}
	*out = found;
	*below = rest;
	return 0;
}

char *mounts_named(const char *path, struct trouble *t)
{
	struct mount_record m;
	char *below, *mountpoint;

	if (mounts_find(path, &m, &below)) {
		trouble_set(t, ERR_ABSENT, "%s: no mount of yours is there", path);
		return NULL;
	}
	mountpoint = strdup(m.mountpoint);
	if (!mountpoint)
		trouble_set(t, ERR_NO_MEMORY, "out of memory");
	free(below);
	mount_record_release(&m);
	return mountpoint;
}

int mounts_each(int (*each)(void *ctx, const struct mount_record *m), void *ctx)
{
	struct records records;
	struct mount_record m;
	int rc = 0;

	records_open(&records, run_directory(), geteuid());
	while (!rc && next_record(&records, &m)) {
		rc = each(ctx, &m);
		mount_record_release(&m);
	}
	records_close(&records);
	return rc;
}

static int list_record(struct mounts_list *l, const struct mount_record *m)
{
	struct mount_record *items = realloc(l->items, (l->count + 1) * sizeof *items);

	if (!items)
		return ERR_NO_MEMORY;
	l->items = items;
	items[l->count++] = *m;
	return 0;
}

/* Takes `path` over. */
static int list_records(struct mounts_list *l, char *path, uid_t owner)
{
	size_t most = owner == geteuid() ? SIZE_MAX : l->count + OTHERS_NOTES_MAX;
	struct records records;
	struct mount_record m;
	int rc = 0;

	records_open(&records, path, owner);
	while (!rc && l->count < most && next_record(&records, &m)) {
		rc = list_record(l, &m);
		if (rc)
			mount_record_release(&m);
	}
	records_close(&records);
	return rc;
}

/* Of root: the directories that match, each its user's, whose number is in its name. */
static int list_others(struct mounts_list *l, const char *pattern, const char *before)
{
	glob_t found;
	int rc = 0;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
		unsigned long owner = strtoul(found.gl_pathv[i] + strlen(before), NULL, 10);

		rc = list_records(l, strdup(found.gl_pathv[i]), (uid_t)owner);
	}
	globfree(&found);
	return rc;
}

/* One that the kernel has and nobody has a note of: its process is gone, as a rule. */
static int list_unnoted(void *list, const char *at, const char *source, uid_t owner)
{
	struct mounts_list *l = list;
	struct mount_record m = {.owner = owner};
	int rc;

	if (geteuid() && owner != geteuid())
		return 0;
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].owner == owner && !strcmp(l->items[i].mountpoint, at))
			return 0;
	m.mountpoint = strdup(at);
	m.url = strdup(source);
	rc = m.mountpoint && m.url ? list_record(l, &m) : ERR_NO_MEMORY;
	if (rc)
		mount_record_release(&m);
	return rc;
}

/* Root's before others' who say that theirs is at the same place. */
static int compare_records(const void *a, const void *b)
{
	const struct mount_record *x = a, *y = b;
	int order = strcmp(x->mountpoint, y->mountpoint);

	return order ? order : (x->owner > y->owner) - (x->owner < y->owner);
}

int mounts_list(struct mounts_list *out)
{
	struct mounts_list l = {0};
	int rc = list_records(&l, run_directory(), geteuid());

	if (!rc && geteuid() == 0)
		rc = list_others(&l, "/run/user/[1-9]*/cairn", "/run/user/");
	if (!rc && geteuid() == 0)
		rc = list_others(&l, "/tmp/cairn-[1-9]*", "/tmp/cairn-");
	if (!rc)
		rc = mount_table_each(list_unnoted, &l);
	if (rc && rc != ERR_UNSUPPORTED) {
		mounts_list_free(&l);
		return rc;
	}
	if (l.count)
		qsort(l.items, l.count, sizeof *l.items, compare_records);
	*out = l;
	return 0;
}

void mounts_list_free(struct mounts_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		mount_record_release(&l->items[i]);
	free(l->items);
	*l = (struct mounts_list){0};
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
