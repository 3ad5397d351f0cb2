/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/revision_names.h"

#include <stdio.h>
#include <string.h>

#include "util/array.h"

void revision_names_init(struct revision_names *n)
{
	*n = (struct revision_names){0};
	pthread_mutex_init(&n->names_mtx, NULL);
}

void revision_names_release(struct revision_names *n)
{
	pthread_mutex_destroy(&n->names_mtx);
	free(n->links);
}

/* With the lock, as below. NULL: there is none. */
static struct tag_link *current_link(struct revision_names *n, const char *tag)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->links[i].current && strcmp(n->links[i].tag, tag) == 0)
			return &n->links[i];
	return NULL;
}

/* The link of a tag that has been on that revision before, or a new one. */
static int find_link(
	struct revision_names *n, const char *tag, uint64_t revision, struct tag_link **out)
{
	struct tag_link *l;
	int rc;

	for (size_t i = 0; i < n->count; i++)
		if (n->links[i].revision == revision && strcmp(n->links[i].tag, tag) == 0) {
			*out = &n->links[i];
			return 0;
		}
	if (n->count == TAG_LINKS_MAX)
		return ERR_LIMIT;
	rc = array_grow(&n->links, &n->capacity, n->count, sizeof *n->links);
	if (rc)
		return rc;
	l = &n->links[n->count++];
	*l = (struct tag_link){.revision = revision};
	snprintf(l->tag, sizeof l->tag, "%s", tag);
	*out = l;
	return 0;
}

bool revision_names_tag(
	struct revision_names *n, const char *tag, uint64_t *index, struct tag_link *out)
{
	const struct tag_link *l;

	pthread_mutex_lock(&n->names_mtx);
	l = current_link(n, tag);
	if (l) {
		*index = (uint64_t)(l - n->links);
		*out = *l;
	}
	pthread_mutex_unlock(&n->names_mtx);
	return l != NULL;
}

int revision_names_set_tag(
	struct revision_names *n, const char *tag, uint64_t revision, int64_t now)
{
	struct tag_link *before, *after = NULL;
	int rc = 0;

	pthread_mutex_lock(&n->names_mtx);
	before = current_link(n, tag);
	if (before)
		before->current = false;
	if (revision)
		rc = find_link(n, tag, revision, &after);
	if (after) {
		after->current = true;
		after->asked = now;
	}
	pthread_mutex_unlock(&n->names_mtx);
	return rc;
}

void revision_names_keep_tag(struct revision_names *n, const char *tag, int64_t now)
{
	struct tag_link *l;

	pthread_mutex_lock(&n->names_mtx);
	l = current_link(n, tag);
	if (l)
		l->asked = now;
	pthread_mutex_unlock(&n->names_mtx);
}

bool revision_names_link(struct revision_names *n, uint64_t index, struct tag_link *out)
{
	bool found;

	pthread_mutex_lock(&n->names_mtx);
	found = index < n->count;
	if (found)
		*out = n->links[index];
	pthread_mutex_unlock(&n->names_mtx);
	return found;
}

struct revision_range revision_names_range(struct revision_names *n)
{
	struct revision_range r;

	pthread_mutex_lock(&n->names_mtx);
	r = n->range;
	pthread_mutex_unlock(&n->names_mtx);
	return r;
}

void revision_names_set_range(struct revision_names *n, const struct revision_range *r)
{
	pthread_mutex_lock(&n->names_mtx);
	n->range = *r;
	pthread_mutex_unlock(&n->names_mtx);
}
