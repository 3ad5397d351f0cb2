/* SPDX-License-Identifier: MIT */
/*
 * What a mount has heard of the names below `.cairn` (dot_cairn.h): which revision a tag is
 * on, which revisions there are. A link is a tag and a revision: when the tag moves,
 * another link is the current one, so that what the kernel keeps of a link stays true.
 * Times are of CLOCK_MONOTONIC, in nanoseconds. Own lock; any thread.
 */
#ifndef CAIRN_FS_REVISION_NAMES_H
#define CAIRN_FS_REVISION_NAMES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/tag.h"

#define TAG_LINKS_MAX 65536

struct tag_link {
	char tag[TAG_NAME_MAX + 1];
	uint64_t revision;
	int64_t asked; /* when a server was, last */
	bool current;
};

/* All from `oldest` to `newest`; newest 0: nothing is known. */
struct revision_range {
	uint64_t oldest, newest;
	int64_t asked;
};

struct revision_names {
	pthread_mutex_t names_mtx; /* all below */
	struct tag_link *links;
	size_t capacity, count;
	struct revision_range range;
};

void revision_names_init(struct revision_names *n);
void revision_names_release(struct revision_names *n);

/* The tag's current link. False: none is known. */
bool revision_names_tag(
	struct revision_names *n, const char *tag, uint64_t *index, struct tag_link *out);
/* The tag is on that revision now; 0: it is gone. ERR_NO_MEMORY, ERR_LIMIT. */
int revision_names_set_tag(
	struct revision_names *n, const char *tag, uint64_t revision, int64_t now);
/* A server was asked in vain: the link goes on being current. */
void revision_names_keep_tag(struct revision_names *n, const char *tag, int64_t now);
/* The link of that index, current or not. False: there are no more. */
bool revision_names_link(struct revision_names *n, uint64_t index, struct tag_link *out);

struct revision_range revision_names_range(struct revision_names *n);
void revision_names_set_range(struct revision_names *n, const struct revision_range *r);

#endif
