/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/blob_frame.h"
#include "publish/store_memory.h"
#include "util/clock.h"

struct memory_file {
	char path[STORE_PATH_MAX];
	struct bytes data;
	int64_t mtime;
};

struct store_memory {
	struct store base;	    /* first */
	pthread_mutex_t memory_mtx; /* all below */
	struct memory_file *files;  /* sorted by path */
	size_t count, capacity;
};

static struct store_memory *memory_of(struct store *s)
{
	return (struct store_memory *)s;
}

static void store_memory_close(struct store *s)
{
	struct store_memory *m = memory_of(s);

	for (size_t i = 0; i < m->count; i++)
		bytes_release(&m->files[i].data);
	free(m->files);
	free(m->base.name);
	pthread_mutex_destroy(&m->memory_mtx);
	free(m);
}

/* The first file whose path is not less. */
static size_t memory_lower_bound(const struct store_memory *m, const char *path)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(m->files[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct memory_file *memory_find(struct store_memory *m, const char *path)
{
	size_t i = memory_lower_bound(m, path);

	return i < m->count && strcmp(m->files[i].path, path) == 0 ? &m->files[i] : NULL;
}

static struct memory_file *memory_make(struct store_memory *m, const char *path)
{
	size_t i = memory_lower_bound(m, path);

	if (i < m->count && strcmp(m->files[i].path, path) == 0)
		return &m->files[i];
	if (m->count == m->capacity) {
		size_t capacity = m->capacity ? 2 * m->capacity : 64;
		struct memory_file *files = realloc(m->files, capacity * sizeof *m->files);

		if (!files)
			return NULL;
		m->files = files;
		m->capacity = capacity;
	}
	memmove(m->files + i + 1, m->files + i, (m->count - i) * sizeof *m->files);
	m->files[i] = (struct memory_file){0};
	snprintf(m->files[i].path, sizeof m->files[i].path, "%s", path);
	m->count++;
	return &m->files[i];
}

static int memory_write(
	struct store_memory *m, const char *path, struct span data, int64_t mtime)
{
	struct memory_file *f = memory_make(m, path);

	if (!f)
		return ERR_NO_MEMORY;
	bytes_clear(&f->data);
	f->mtime = mtime;
	return bytes_append(&f->data, data.data, data.size);
}

int store_memory_plant(struct store *s, const char *path, struct span data, int64_t mtime)
{
	struct store_memory *m = memory_of(s);
	int rc;

	pthread_mutex_lock(&m->memory_mtx);
	rc = memory_write(m, path, data, mtime);
	pthread_mutex_unlock(&m->memory_mtx);
	return rc;
}

static void memory_version(const struct memory_file *f, struct store_version *out)
{
	struct digest d;

	out->text[0] = '\0';
	if (!f)
		return;
	d = digest_of(f->data.data, f->data.size);
	digest_to_hex(&d, out->text);
}

static int store_memory_read(struct store *s, const char *path, size_t max, uint64_t *asked,
	struct bytes *out, struct store_version *version, struct trouble *t)
{
	struct store_memory *m = memory_of(s);
	const struct memory_file *f;
	int rc = ERR_ABSENT;

	pthread_mutex_lock(&m->memory_mtx);
	f = *asked ? NULL : memory_find(m, path);
	if (f && f->data.size > max)
		rc = ERR_LIMIT;
	else if (f)
		rc = bytes_append(out, f->data.data, f->data.size);
	if (!rc && version)
		memory_version(f, version);
	pthread_mutex_unlock(&m->memory_mtx);
	*asked = 1;
	return rc ? trouble_set(t, rc, "cannot read %s in %s: %s", path, s->name,
			    error_text(rc))
		  : 0;
}

static int store_memory_find_blob(
	struct store *s, const struct digest *name, struct stored *out, struct trouble *t)
{
	struct store_memory *m = memory_of(s);
	char path[BLOB_PATH_SIZE];
	const struct memory_file *f;
	struct blob_head head;
	int rc = ERR_ABSENT;

	blob_path(name, path);
	pthread_mutex_lock(&m->memory_mtx);
	f = memory_find(m, path);
	if (f)
		rc = blob_frame_check(span_of_bytes(&f->data), PAGE_SIZE_MAX, &head)
			     ? ERR_CORRUPT
			     : 0;
	if (!rc)
		*out = (struct stored){.size = f->data.size,
			.content = head.size,
			.mtime = f->mtime,
			.has_base = head.has_base,
			.base = head.base};
	pthread_mutex_unlock(&m->memory_mtx);
	if (rc == ERR_CORRUPT)
		trouble_set(t, rc, "%s in %s is damaged", path, s->name);
	return rc;
}

static int store_memory_put_blob(
	struct store *s, const struct digest *name, struct span stored, struct trouble *t)
{
	char path[BLOB_PATH_SIZE];
	int rc;

	blob_path(name, path);
	rc = store_memory_plant(s, path, stored, clock_realtime());
	return rc ? trouble_set(t, rc, "cannot write %s: %s", path, error_text(rc)) : 0;
}

static int store_memory_put(struct store *s, const char *path, struct span text,
	const struct store_version *seen, struct trouble *t)
{
	struct store_memory *m = memory_of(s);
	struct store_version now;
	int rc = 0;

	pthread_mutex_lock(&m->memory_mtx);
	memory_version(memory_find(m, path), &now);
	if (seen && strcmp(now.text, seen->text))
		rc = ERR_CHANGED;
	if (!rc)
		rc = memory_write(m, path, text, clock_realtime());
	pthread_mutex_unlock(&m->memory_mtx);
	return rc ? trouble_set(t, rc, "cannot write %s in %s: %s", path, s->name,
			    error_text(rc))
		  : 0;
}

static int store_memory_remove(struct store *s, const char *path, struct trouble *t)
{
	struct store_memory *m = memory_of(s);
	struct memory_file *f;
	size_t i;

	pthread_mutex_lock(&m->memory_mtx);
	f = memory_find(m, path);
	if (f) {
		i = (size_t)(f - m->files);
		bytes_release(&f->data);
		m->count--;
		memmove(f, f + 1, (m->count - i) * sizeof *f);
	}
	pthread_mutex_unlock(&m->memory_mtx);
	return f ? 0
		 : trouble_set(t, ERR_ABSENT, "cannot remove %s from %s: %s", path, s->name,
			   error_text(ERR_ABSENT));
}

struct memory_listing {
	struct store_listing base; /* first */
	struct store_memory *store;
	char prefix[STORE_PATH_MAX];
	char last[STORE_PATH_MAX]; /* "": none yet */
};

static int memory_listing_next(
	struct store_listing *base, struct store_item *out, struct trouble *t)
{
	struct memory_listing *l = (struct memory_listing *)base;
	struct store_memory *m = l->store;
	const struct memory_file *f = NULL;
	size_t i;

	(void)t;
	pthread_mutex_lock(&m->memory_mtx);
	i = memory_lower_bound(m, l->last[0] ? l->last : l->prefix);
	if (i < m->count && l->last[0] && strcmp(m->files[i].path, l->last) == 0)
		i++;
	if (i < m->count && !strncmp(m->files[i].path, l->prefix, strlen(l->prefix)))
		f = &m->files[i];
	if (f) {
		memcpy(l->last, f->path, sizeof l->last);
		*out = (struct store_item){l->last, f->data.size, f->mtime};
	}
	pthread_mutex_unlock(&m->memory_mtx);
	return f ? 0 : ERR_ABSENT;
}

static void memory_listing_close(struct store_listing *l)
{
	free(l);
}

static int store_memory_list(
	struct store *s, const char *prefix, struct store_listing **out, struct trouble *t)
{
	struct memory_listing *l = calloc(1, sizeof *l);

	(void)t;
	if (!l)
		return ERR_NO_MEMORY;
	l->base = (struct store_listing){memory_listing_next, memory_listing_close};
	l->store = memory_of(s);
	snprintf(l->prefix, sizeof l->prefix, "%s", prefix);
	*out = &l->base;
	return 0;
}

static const struct store_methods memory_methods = {
	.close = store_memory_close,
	.read = store_memory_read,
	.find_blob = store_memory_find_blob,
	.put_blob = store_memory_put_blob,
	.put = store_memory_put,
	.remove = store_memory_remove,
	.list = store_memory_list,
};

struct store *store_memory_new(void)
{
	struct store_memory *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->base.methods = &memory_methods;
	m->base.name = strdup("memory");
	if (!m->base.name) {
		free(m);
		return NULL;
	}
	pthread_mutex_init(&m->memory_mtx, NULL);
	return &m->base;
}
