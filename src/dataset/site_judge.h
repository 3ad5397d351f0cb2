/* SPDX-License-Identifier: MIT */
/*
 * What the header fields of one answer say about a site: see site_check.h, whose parts
 * these are. Each tells at most one finding, but for a blob that is not there.
 */
#ifndef CAIRN_DATASET_SITE_JUDGE_H
#define CAIRN_DATASET_SITE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "net/fetch.h"
#include "net/probe.h"

enum finding_weight {
	FINDING_GOOD,
	FINDING_ADVICE, /* works, and could be better */
	FINDING_WRONG,
};

struct finding {
	enum finding_weight weight;
	const char *about; /* a word for programs: "manifest-cache", "ranges", ... */
	const char *text;  /* a sentence: what was found, and what to set */
};

/* Who is told; texts are borrowed until it returns. */
struct findings {
	void (*found)(void *arg, const struct finding *finding);
	void *arg;
};

/* Says a finding, without what must not reach a terminal; `about` is a literal. */
void site_say(const struct findings *f, enum finding_weight weight, const char *about,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* May caches keep it: a document that is replaced (the manifest, a tag; `name`), and what
 * never changes (a blob)? */
void site_judge_document(const struct findings *f, const char *about, const char *name,
	const struct probe_answer *a);
void site_judge_blob(const struct findings *f, const struct probe_answer *a);
/* Is it sent as it lies there? `name`: of what was asked for. */
void site_judge_encoding(
	const struct findings *f, const char *name, const struct probe_answer *a);
/* The server's clock against `now`, seconds since 1970. */
void site_judge_clock(const struct findings *f, const struct probe_answer *a, int64_t now);
/* `https`: it was asked by TLS. */
void site_judge_certificate(
	const struct findings *f, bool https, const struct probe_answer *a, int64_t now);
/* What is said of a blob that is not there, and how long caches may remember it. True when
 * nothing is wrong with that. */
bool site_judge_missing(const struct findings *f, const struct probe_answer *a);

/* A manifest as it was answered once. */
struct site_view {
	uint64_t revision;
	char etag[FETCH_ETAG_MAX]; /* "": none */
};

/* Do they agree? views[0] is what readers get, later ones were asked for past caches. */
void site_judge_views(
	const struct findings *f, const struct site_view *views, unsigned count);

#endif
