/* SPDX-License-Identifier: MIT */
/*
 * A site under examination: what is known of it so far, and how one of its files is asked
 * for. For the parts of site_check.h; one thread.
 */
#ifndef CAIRN_DATASET_SITE_H
#define CAIRN_DATASET_SITE_H

#include "dataset/site_judge.h"
#include "format/manifest.h"
#include "net/credentials.h"
#include "net/probe.h"

struct site_options {
	const char *url;		       /* normalised */
	const char *trust;		       /* public key as text; NULL: any */
	const char *tag;		       /* looked at, too; or NULL */
	int64_t timeout;		       /* ns, of each question; 0: 60 s */
	const struct credentials *credentials; /* may be NULL */
	struct findings findings;	       /* told of each, in order */
};

struct site {
	const struct site_options *o;
	char *base, *origin;
	struct public_key key; /* when o->trust is given */
	bool redirected;       /* the manifest is */
	struct manifest *manifest;
	int64_t now; /* seconds since 1970 */
};

/* What is asked of one file beside its name. */
struct look {
	const char *query; /* or NULL */
	const char *range, *etag;
	bool past_caches;
	uint64_t size_max;
};

/* As probe_ask(), on a connection of its own. */
int site_ask(const struct site *s, const char *path, const struct look *look,
	struct probe_answer *out);
/* Says what is wrong with the answer at `path`, by the name of where it came from. */
void site_say_trouble(const struct site *s, const char *about, const char *path,
	const struct probe_answer *a, const struct trouble *t);

#endif
