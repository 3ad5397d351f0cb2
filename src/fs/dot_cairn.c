/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "fs/dot_cairn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/attempt_pages.h"
#include "fs/dot_cairn_bring.h"
#include "fs/dot_cairn_list.h"
#include "fs/entry_stat.h"
#include "fs/errands.h"
#include "fs/filesystem.h"
#include "fs/request_end.h"
#include "fs/request_run.h"
#include "fs/request_try.h"
#include "util/clock.h"

#define SOON 1.0 /* seconds: what a server may say otherwise is asked for again */
#define TARGET "../revisions/%llu"
#define WARN_WAIT (60 * NS_PER_SECOND) /* for pages, before it is known what to warn of */

uint64_t dot_cairn_node(uint64_t number)
{
	return NODE_SPACE_LAST << NODE_SPACE_SHIFT | number;
}

static uint64_t dot_number(const struct request *r)
{
	return r->node.id & NODE_IN_SPACE;
}

bool dot_cairn_is(const struct request *r)
{
	return r->fs->dot_cairn && r->node.id == FUSE_ROOT_ID &&
	       strcmp(r->name, DOT_CAIRN_NAME) == 0;
}

/* The number that a name of revisions/ is; 0: it is none. */
static uint64_t dot_revision(const char *name)
{
	uint64_t n = 0;

	if (*name < '1' || *name > '9')
		return 0;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || n > REVISION_MAX / 10)
			return 0;
		n = 10 * n + (uint64_t)(*name - '0');
	}
	return n <= REVISION_MAX ? n : 0;
}

/* What the kernel keeps of a listing ends with the time of modification that it knows of
 * the directory: so this one moves on with what may be said anew. */
static void dot_set_time(struct filesystem *fs, uint64_t number, struct stat *st)
{
	int64_t now = clock_realtime();

	if (number == DOT_CAIRN_TOP)
		entry_stat_time(st, fs->dataset->manifest->created, 0);
	else
		entry_stat_time(st, (now - now % DOT_CAIRN_FRESH) / NS_PER_SECOND,
			(uint32_t)(dot_cairn_state(fs) % NS_PER_SECOND));
}

static void directory_stat(struct filesystem *fs, uint64_t number, struct stat *st)
{
	*st = (struct stat){.st_ino = dot_cairn_node(number),
		.st_mode = S_IFDIR | 0555,
		.st_nlink = 2,
		.st_uid = getuid(),
		.st_gid = getgid(),
		.st_size = BLOCK_SIZE,
		.st_blksize = BLOCK_SIZE};
	dot_set_time(fs, number, st);
}

static void link_stat(
	struct filesystem *fs, uint64_t number, const struct tag_link *l, struct stat *st)
{
	directory_stat(fs, DOT_CAIRN_TOP, st);
	st->st_ino = dot_cairn_node(number);
	st->st_mode = S_IFLNK | 0777;
	st->st_nlink = 1;
	st->st_size = snprintf(NULL, 0, TARGET, (unsigned long long)l->revision);
}

static void directory_param(
	struct filesystem *fs, uint64_t number, struct fuse_entry_param *out)
{
	*out = (struct fuse_entry_param){.ino = dot_cairn_node(number),
		.entry_timeout = FOR_EVER,
		.attr_timeout = number == DOT_CAIRN_TOP ? FOR_EVER : SOON};
	directory_stat(fs, number, &out->attr);
}

void dot_cairn_entry(struct filesystem *fs, struct fuse_entry_param *out)
{
	directory_param(fs, DOT_CAIRN_TOP, out);
}

static void dot_reply_absent(struct request *r, double timeout)
{
	request_end(r, 0, NULL);
	fuse_reply_entry(r->fuse, &(struct fuse_entry_param){.entry_timeout = timeout});
}

static void dot_reply_error(struct request *r, int error)
{
	request_end(r, error, NULL);
	fuse_reply_err(r->fuse, failure_errno(error));
}

static void dot_reply_entry(struct request *r, const struct fuse_entry_param *entry)
{
	request_end(r, 0, NULL);
	fuse_reply_entry(r->fuse, entry);
}

/* What was asked for, in the mount. */
static void dot_path(const struct request *r, struct path *out)
{
	out->size = (size_t)snprintf(out->data, sizeof out->data, DOT_CAIRN_NAME "/%s%s%s",
		dot_number(r) == DOT_CAIRN_TAGS ? "tags" : "revisions", r->name ? "/" : "",
		r->name ? r->name : "");
}

static void dot_note_failure(struct request *r, int error, const struct trouble *t)
{
	struct path path;

	if (error == ERR_INTERRUPTED)
		return;
	dot_path(r, &path);
	failures_note(&r->fs->failures, r->kind->name, path_span(&path), error, t);
}

/* The root directory of a retained revision. */
static int root_step(struct request *r, struct request_try *t)
{
	struct entry e;
	int rc = request_try_entry(r, t, &e);

	if (rc)
		return rc;
	t->answer.kind = ANSWER_ENTRY;
	request_try_param(r, &e, &t->answer.entry);
	t->answer.entry.ino = r->node.id;
	return 0;
}

static const struct request_kind root_kind = {
	.name = "lookup", .meter = METER_LOOKUP, .step = root_step};

static void answer_revision(struct request *r, int error, const struct trouble *t)
{
	uint64_t revision = dot_revision(r->name);
	const struct retained *found = revision ? retained_find(r->fs->retained, revision)
						: NULL;
	struct request root = {.kind = &root_kind};

	if (found) {
		request_run(&root, r->fuse, retained_root(found));
	} else if (!error || error == ERR_ABSENT) {
		dot_reply_absent(r, revision ? SOON : FOR_EVER);
	} else {
		dot_note_failure(r, error, t);
		dot_reply_error(r, error);
	}
}

static void answer_tag(struct request *r, int error, const struct trouble *t)
{
	struct fuse_entry_param entry = {.entry_timeout = SOON, .attr_timeout = FOR_EVER};
	struct tag_link l;
	uint64_t index;

	if (error && error != ERR_ABSENT)
		dot_note_failure(r, error, t);
	if (error != ERR_INTERRUPTED &&
		revision_names_tag(&r->fs->dot_cairn->names, r->name, &index, &l)) {
		entry.ino = dot_cairn_node(DOT_CAIRN_LINKS + index);
		link_stat(r->fs, DOT_CAIRN_LINKS + index, &l, &entry.attr);
		dot_reply_entry(r, &entry);
	} else if (!error || error == ERR_ABSENT) {
		dot_reply_absent(r, tag_name_check(r->name) ? FOR_EVER : SOON);
	} else {
		dot_reply_error(r, error);
	}
}

static void answer_top(struct request *r)
{
	struct fuse_entry_param entry;
	uint64_t number = strcmp(r->name, "revisions") == 0 ? DOT_CAIRN_REVISIONS
			  : strcmp(r->name, "tags") == 0    ? DOT_CAIRN_TAGS
							    : 0;

	if (!number) {
		dot_reply_absent(r, FOR_EVER);
		return;
	}
	directory_param(r->fs, number, &entry);
	dot_reply_entry(r, &entry);
}

static void answer_name(struct request *r, int error, const struct trouble *t)
{
	switch (dot_number(r)) {
	case DOT_CAIRN_TOP:
		answer_top(r);
		break;
	case DOT_CAIRN_REVISIONS:
		answer_revision(r, error, t);
		break;
	case DOT_CAIRN_TAGS:
		answer_tag(r, error, t);
		break;
	default:
		dot_reply_error(r, ERR_INVALID);
		break;
	}
}

static void answer_attributes(struct request *r)
{
	uint64_t number = dot_number(r);
	struct tag_link l;
	struct stat st;

	if (number < DOT_CAIRN_LINKS)
		directory_stat(r->fs, number, &st);
	else if (revision_names_link(
			 &r->fs->dot_cairn->names, number - DOT_CAIRN_LINKS, &l))
		link_stat(r->fs, number, &l, &st);
	else
		st = (struct stat){0};
	request_end(r, st.st_mode ? 0 : ERR_ABSENT, NULL);
	if (!st.st_mode)
		fuse_reply_err(r->fuse, ESTALE);
	else
		fuse_reply_attr(r->fuse, &st, S_ISDIR(st.st_mode) ? SOON : FOR_EVER);
}

static void answer_target(struct request *r)
{
	uint64_t number = dot_number(r);
	char target[sizeof TARGET + 24];
	struct tag_link l;

	if (number < DOT_CAIRN_LINKS || !revision_names_link(&r->fs->dot_cairn->names,
						number - DOT_CAIRN_LINKS, &l)) {
		dot_reply_error(r, ERR_INVALID);
		return;
	}
	request_end(r, 0, NULL);
	snprintf(target, sizeof target, TARGET, (unsigned long long)l.revision);
	fuse_reply_buf(r->fuse, target, strlen(target));
}

static void dot_answer(struct request *r, int error, const struct trouble *t)
{
	switch (r->kind->asks) {
	case ASKS_NAME:
		answer_name(r, error, t);
		break;
	case ASKS_ATTRIBUTES:
		answer_attributes(r);
		break;
	case ASKS_TARGET:
		answer_target(r);
		break;
	case ASKS_LISTING:
	case ASKS_LISTING_PLUS:
		if (error)
			dot_note_failure(r, error, t);
		if (error == ERR_INTERRUPTED)
			dot_reply_error(r, error);
		else
			dot_cairn_list(r, dot_number(r));
		break;
	default:
		request_end(r, 0, NULL);
		fuse_reply_err(r->fuse, ENOTSUP);
		break;
	}
}

static bool dot_is_fresh(int64_t asked)
{
	return clock_monotonic() - asked < DOT_CAIRN_FRESH;
}

/* No server has to be asked. */
static bool dot_is_known(const struct request *r)
{
	struct revision_names *names = &r->fs->dot_cairn->names;
	bool lists = r->kind->asks == ASKS_LISTING || r->kind->asks == ASKS_LISTING_PLUS;
	uint64_t number = dot_number(r), index;
	struct revision_range range;
	struct tag_link l;

	if (lists && r->offset == 0 && number == DOT_CAIRN_REVISIONS) {
		range = revision_names_range(names);
		return range.newest && dot_is_fresh(range.asked);
	}
	if (r->kind->asks != ASKS_NAME)
		return true;
	if (number == DOT_CAIRN_REVISIONS) {
		uint64_t revision = dot_revision(r->name);

		return !revision || retained_find(r->fs->retained, revision);
	}
	if (number == DOT_CAIRN_TAGS)
		return tag_name_check(r->name) ||
		       (revision_names_tag(names, r->name, &index, &l) &&
			       dot_is_fresh(l.asked));
	return true;
}

static void dot_run(struct request *r, uint64_t node)
{
	r->node = (struct node){.id = node};
	if (dot_is_known(r))
		dot_answer(r, 0, NULL);
	else
		errands_add(r->fs->dot_cairn->errands, r);
}

static int dot_go(struct request *r, int64_t deadline_ns, struct trouble *t)
{
	int64_t until = clock_monotonic() + deadline_ns;

	if (r->kind->asks != ASKS_NAME)
		return dot_cairn_bring_range(r->fs, until, t);
	if (dot_number(r) == DOT_CAIRN_TAGS)
		return dot_cairn_bring_tag(r->fs, r->name, until, t);
	return dot_cairn_bring_revision(r->fs, dot_revision(r->name), until, t);
}

static int find_own_step(struct attempt *a, void *arg)
{
	static const struct span empty = {NULL, 0};
	struct filesystem *fs = arg;
	struct page_source pages = attempt_pages(a);
	struct digest root = filesystem_root(fs);
	struct place place;
	struct entry e;

	return tree_find(&pages, &root, empty, span_of_string(DOT_CAIRN_NAME), &place, &e);
}

/* An entry of the dataset's goes before ours. */
static void dot_warn(void *ctx)
{
	struct filesystem *fs = ctx;
	struct trouble t = {0};

	if (source_run(fs->source, find_own_step, fs, WARN_WAIT, FETCH_DEMAND, &t) == 0)
		log_warning(fs->log,
			"the dataset has a " DOT_CAIRN_NAME
			" of its own, which is what is shown: -o revisions does nothing");
}

static void dot_end(void *ctx)
{
	const struct filesystem *fs = ctx;

	fs->dot_cairn->source->end(fs->dot_cairn->source->ctx);
}

int dot_cairn_begin(struct filesystem *fs, const struct revision_source *source)
{
	static const struct errands_kind kind = {
		.go = dot_go, .answer = dot_answer, .end = dot_end, .begin = dot_warn};
	struct dot_cairn *d = calloc(1, sizeof *d);
	int rc = ERR_NO_MEMORY;

	fs->retained = retained_table_new();
	if (d && fs->retained) {
		d->source = source;
		revision_names_init(&d->names);
		fs->dot_cairn = d;
		fs->apart = dot_run;
		rc = errands_start(&kind, fs, &d->errands);
	}
	if (rc) {
		if (fs->dot_cairn)
			revision_names_release(&d->names);
		fs->dot_cairn = NULL;
		fs->apart = NULL;
		free(d);
	}
	return rc;
}

void dot_cairn_end(struct filesystem *fs)
{
	if (fs->dot_cairn)
		errands_stop(fs->dot_cairn->errands);
}

void dot_cairn_free(struct filesystem *fs)
{
	if (!fs->dot_cairn)
		return;
	errands_free(fs->dot_cairn->errands);
	revision_names_release(&fs->dot_cairn->names);
	free(fs->dot_cairn);
	fs->dot_cairn = NULL;
	fs->apart = NULL;
}

struct dot_looks {
	struct parked_look *looks;
	unsigned count, all;
};

static void dot_look(void *ctx, const struct errand_look *e)
{
	struct dot_looks *l = ctx;
	struct parked_look *look = &l->looks[l->count];

	if (++l->all > DOT_CAIRN_LOOKS_MAX)
		return;
	l->count++;
	*look = (struct parked_look){.thread = e->thread,
		.uid = e->uid,
		.operation = e->request->kind->name,
		.since = e->since,
		.deadline = e->deadline,
		.for_manifest = true};
	dot_path(e->request, &look->path);
}

int dot_cairn_look(struct filesystem *fs, unsigned *count, parked_look_fn each, void *ctx)
{
	struct dot_looks l = {0};
	int rc = 0;

	if (!fs->dot_cairn)
		return 0;
	l.looks = malloc(DOT_CAIRN_LOOKS_MAX * sizeof *l.looks);
	if (!l.looks)
		return ERR_NO_MEMORY;
	errands_look(fs->dot_cairn->errands, dot_look, &l);
	for (unsigned i = 0; !rc && i < l.count; i++)
		rc = each(ctx, &l.looks[i]);
	*count += l.all;
	free(l.looks);
	return rc;
}
