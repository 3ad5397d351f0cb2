/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "format/page_builder.h"
#include "publish/dispatcher.h"
#include "publish/page_sink.h"
#include "publish/pipeline.h"
#include "publish/recheck.h"
#include "publish/tally.h"
#include "util/clock.h"

struct pipeline {
	struct pipeline_options o;
	struct publication *publication;
	struct page_builder *builder;
	struct tally *objects;
	struct dispatcher dispatcher;
	struct item *first, **end;
	uint64_t waiting; /* bytes of the items in line */
	uint64_t vanished;
	struct totals totals; /* files, xattrs and acls so far */
	bool extent_lists;    /* some entry so far has its runs in a list */
	int64_t reported;
	struct bytes record; /* of a unit; kept for its memory */
	struct page_sink pages;
};

int pipeline_new(const struct pipeline_options *options, struct pipeline **out)
{
	struct pipeline *p = calloc(1, sizeof *p);
	int rc;

	if (!p)
		return ERR_NO_MEMORY;
	p->o = *options;
	p->publication = p->pages.publication = options->publication;
	p->dispatcher.publication = options->publication;
	p->dispatcher.index = options->index;
	p->end = &p->first;
	p->objects = tally_new();
	rc = p->objects ? page_builder_new(page_sink_emit, &p->pages, &p->builder)
			: ERR_NO_MEMORY;
	if (rc)
		pipeline_free(p);
	else
		*out = p;
	return rc;
}

static void pipeline_report(struct pipeline *p)
{
	struct publish_progress *progress = &p->o.progress;
	int64_t clock;

	if (!p->o.report)
		return;
	clock = clock_monotonic();
	if (clock - p->reported < PUBLISH_REPORT_EVERY)
		return;
	p->reported = clock;
	/* More than the total when a file was read twice, or is compressed on disk. */
	progress->bytes = atomic_load(&p->publication->bytes);
	if (progress->bytes > progress->bytes_total)
		progress->bytes = progress->bytes_total;
	progress->new_bytes = blobs_totals(p->publication->blobs).new_bytes;
	p->o.report(p->o.ctx, progress);
}

/* The unit is with nobody any more and its last member is in its page. */
static int retire_unit(struct pipeline *p, struct unit *u)
{
	int rc = 0;

	if (u->has_object)
		rc = tally_add(p->objects, &u->object.digest, 0);
	/* An index that fails is an index that does not help: no reason to stop. */
	bytes_clear(&p->record);
	if (!rc && p->o.index && !u->adopted && u->stable &&
		unit_record(u, &p->record) == 0)
		index_put(p->o.index, &u->fingerprint, span_of_bytes(&p->record));
	return rc;
}

static int pipeline_put_row(struct pipeline *p, struct item *item, struct trouble *t)
{
	int rc;

	if (item->unit && item->entry.has_content)
		item->entry.object = item->unit->object;
	rc = page_builder_add(p->builder, &item->entry, t);
	if (rc && p->pages.trouble.code && t)
		*t = p->pages.trouble;
	if (!rc && p->o.comparison) {
		rc = comparison_add(p->o.comparison, &item->entry);
		if (rc)
			trouble_set(t, rc,
				"the store's last revision cannot be read: %s; try cairn "
				"check",
				error_text(rc));
	}
	if (!rc && item->leads)
		rc = hardlinks_lead(p->o.hardlinks, item);
	p->extent_lists |= item->entry.run_list.count > 0;
	p->totals.files += item->entry.type == ENTRY_FILE;
	p->totals.xattrs += item->entry.xattrs.size > 0;
	p->totals.acls += xattrs_have_acl(item->entry.xattrs);
	return rc;
}

int pipeline_leave_out(void *ctx, const char *path, int rc, const char *why)
{
	struct pipeline *p = ctx;

	if (rc != ERR_ABSENT)
		return unreadable_add(p->o.unreadable, path, rc, why);
	p->vanished++;
	return 0;
}

/* The unit's last member is in its page, or left out. Members are kept until then, for the
 * record. */
static void free_members(struct unit *u)
{
	struct item *item = u->first;

	while (item) {
		struct item *next = item->member;

		item_free(item);
		item = next;
	}
	unit_free(u);
}

static int release_item(struct pipeline *p, struct item *item, int rc)
{
	struct unit *u = item->unit;

	if (!u) {
		item_free(item);
	} else if (++u->assembled == u->count) {
		if (!rc)
			rc = retire_unit(p, u);
		free_members(u);
	}
	return rc;
}

/* The item follows in its group, or it leads it. */
static int join_group(struct pipeline *p, struct item *item)
{
	struct link_group group;
	int rc;

	if (S_ISDIR(item->st.st_mode) || item->st.st_nlink < 2)
		return 0;
	rc = hardlinks_find(p->o.hardlinks, item->st.st_dev, item->st.st_ino, &group);
	if (rc)
		return rc == ERR_ABSENT ? 0 : rc;
	item->entry.links = group.names;
	item->follows = group.met;
	item->leads = !group.met;
	return group.met ? 0 : hardlinks_meet(p->o.hardlinks, &group);
}

/* First in line: its leader is in its page. Has it none, or is the file another one than
 * the leader was, it has to be looked at again. */
static int follow_leader(struct pipeline *p, struct item *item)
{
	int rc;

	if (!item->follows || item->rc)
		return 0;
	rc = hardlinks_follow(p->o.hardlinks, item);
	if (rc == ERR_CHANGED)
		item->rc = rc;
	return rc == ERR_CHANGED ? 0 : rc;
}

/* A look at a name out of line: it follows at once, or is read by itself. */
static int start_again(struct pipeline *p, struct item *item)
{
	int rc = item->rc ? 0 : join_group(p, item);

	if (!rc && item->follows)
		rc = follow_leader(p, item);
	if (!rc && item->follows && item->rc == ERR_CHANGED) {
		item->rc = 0;
		item->follows = false;
		item->leads = true;
	}
	return rc || item->follows ? rc : dispatcher_add_alone(&p->dispatcher, item);
}

/* Puts in line, in its place, what the name of `old` is by now; or says in old->rc why
 * there is nothing. */
static int pipeline_look_again(struct pipeline *p, struct item *old)
{
	struct publication *shared = p->publication;
	struct item *item;
	int rc = recheck_item(shared->root, old, shared->overrides, &item);

	if (rc) {
		old->rc = rc;
		return content_is_failure(rc) ? 0 : rc;
	}
	old->again = true;
	item->next = p->first;
	p->first = item;
	if (!item->next)
		p->end = &item->next;
	item->waiting = item_size(item);
	p->waiting += item->waiting;
	return start_again(p, item);
}

/* Takes the first item in line, which is ready, into its page, or leaves it out. */
static int assemble_first(struct pipeline *p, struct trouble *t)
{
	struct item *item = p->first;
	int rc;

	p->first = item->next;
	if (!p->first)
		p->end = &p->first;
	p->waiting -= item->waiting;
	rc = follow_leader(p, item);
	if (!rc && item->rc == ERR_CHANGED)
		rc = pipeline_look_again(p, item);
	if (!rc && item->rc == 0)
		rc = pipeline_put_row(p, item, t);
	else if (!rc && !item->again)
		rc = pipeline_leave_out(p, item->path, item->rc, item->why);
	p->o.progress.entries += !item->again;
	rc = release_item(p, item, rc);
	pipeline_report(p);
	return rc;
}

static bool is_ready(const struct item *item)
{
	return !item->unit || unit_is_done(item->unit);
}

/* Until the item is ready, something failed, or it is time to report. */
static void pipeline_wait_for(struct pipeline *p, struct item *item)
{
	struct publication *shared = p->publication;
	int64_t until = clock_monotonic() + PUBLISH_REPORT_EVERY;
	struct timespec deadline = {until / NS_PER_SECOND, until % NS_PER_SECOND};
	int rc = 0;

	pthread_mutex_lock(&shared->publication_mtx);
	while (!item->unit->done && !shared->failure && rc == 0)
		rc = pthread_cond_timedwait(
			&shared->publication_cond, &shared->publication_mtx, &deadline);
	pthread_mutex_unlock(&shared->publication_mtx);
	pipeline_report(p);
}

/* Assembles what is ready; while more than `most` bytes are in line, waits for the first.
 * A bundle still open is not waited for: its span bounds what is behind it. */
static int assemble(struct pipeline *p, uint64_t most, struct trouble *t)
{
	int rc = 0;

	while (!rc && p->first) {
		rc = publication_failure(p->publication, t);
		if (rc)
			break;
		if (dispatcher_holds(&p->dispatcher, p->first))
			break;
		if (is_ready(p->first))
			rc = assemble_first(p, t);
		else if (p->waiting > most)
			pipeline_wait_for(p, p->first);
		else
			break;
	}
	return rc;
}

static void pipeline_queue(struct pipeline *p, struct item *item)
{
	*p->end = item;
	p->end = &item->next;
	item->waiting = item_size(item);
	p->waiting += item->waiting;
}

/* All of the item that comes from the walk. */
static int pipeline_fill(struct pipeline *p, struct item *item, const struct walk_entry *e)
{
	int rc;

	item->st = e->st;
	item->entry.links = S_ISDIR(e->st.st_mode) ? e->links : 1;
	rc = join_group(p, item);
	if (rc)
		return rc;
	if (!item->follows)
		return item_read_attributes(item, e, p->publication->overrides);
	item_read_type(item);
	return 0;
}

/* An entry without attributes is none, whatever comes below it. */
static int pipeline_refuse(struct pipeline *p, const struct walk_entry *e,
	struct item *item, struct trouble *t)
{
	int rc;

	if (e->path_size == 0)
		rc = trouble_set(t, item->rc, "cannot read the source %s: %s",
			p->publication->source,
			item->why ? item->why : error_text(item->rc));
	else
		rc = pipeline_leave_out(p, e->path, item->rc, item->why);
	item_free(item);
	return rc ? rc : WALK_NOT_TAKEN;
}

int pipeline_add(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	struct pipeline *p = ctx;
	struct item *item = item_new(e->parent, e->name, e->path, e->path_size);
	int rc;

	if (!item)
		return ERR_NO_MEMORY;
	rc = pipeline_fill(p, item, e);
	if (rc) {
		item_free(item);
		return rc;
	}
	if (item->rc)
		return pipeline_refuse(p, e, item, t);
	pipeline_queue(p, item);
	rc = dispatcher_add(&p->dispatcher, item);
	return rc ? rc : assemble(p, p->o.memory, t);
}

int pipeline_finish(struct pipeline *p, struct pipeline_result *out, struct trouble *t)
{
	struct totals *totals = &p->totals;
	int rc = dispatcher_finish(&p->dispatcher);

	if (!rc)
		rc = assemble(p, 0, t);
	if (!rc && p->o.comparison)
		rc = comparison_finish(p->o.comparison);
	if (!rc)
		rc = page_builder_finish(
			p->builder, &out->root, &totals->entries, &totals->bytes, t);
	if (rc && p->pages.trouble.code && t)
		*t = p->pages.trouble;
	if (rc)
		return rc;
	totals->objects = tally_count(p->objects);
	out->totals = *totals;
	out->vanished = p->vanished;
	out->extent_lists = p->extent_lists;
	page_builder_first(p->builder, &out->first);
	return 0;
}

/* Items of a unit that was begun are freed with its last one. */
static void free_queue(struct pipeline *p)
{
	while (p->first) {
		struct item *item = p->first;
		struct unit *u = item->unit;

		p->first = item->next;
		if (u && ++u->assembled == u->count)
			free_members(u);
		else if (!u)
			item_free(item);
	}
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	free_queue(p);
	page_builder_free(p->builder);
	tally_free(p->objects);
	dispatcher_release(&p->dispatcher);
	bytes_release(&p->record);
	free(p);
}
