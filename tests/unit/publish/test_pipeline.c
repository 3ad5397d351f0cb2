/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/history.h"
#include "publish/pipeline.h"
#include "publish/store_memory.h"
#include "unit/trees.h"

static char *directory; /* holds "source" */

static int set_up(void **state)
{
	(void)state;
	directory = trees_new();
	trees_directory(directory, "source");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	trees_remove(directory);
	return 0;
}

static char *at(const char *name)
{
	return strdup(trees_path(directory, name));
}

/* A publish whose source is changed after the walk and before anything is read: all small
 * files are in one bundle, which is not full before the end. */
struct made {
	char *source;
	struct store *store;
	struct publication publication;
	struct hardlinks *hardlinks;
	struct unreadable unreadable;
	struct pipeline *pipeline;
	struct pipeline_result result;
	struct history *history;
	void (*change)(void);
};

static int add(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	struct made *m = ctx;
	int rc = pipeline_add(m->pipeline, e, t);

	if (strcmp(e->path, "zzz") == 0)
		m->change();
	return rc;
}

static int count(void *ctx, const struct walk_entry *e, struct trouble *t)
{
	struct made *m = ctx;
	uint32_t names;

	(void)t;
	return S_ISDIR(e->st.st_mode)
		       ? 0
		       : hardlinks_count(m->hardlinks, e->st.st_dev, e->st.st_ino, &names);
}

static int leave_out(void *ctx, const char *path, int rc, const char *why)
{
	struct made *m = ctx;

	return m->pipeline ? pipeline_leave_out(m->pipeline, path, rc, why) : 0;
}

static void start(struct made *m)
{
	struct pipeline_options options = {.memory = 8u << 20};

	m->source = at("source");
	m->store = store_memory_new();
	assert_non_null(m->store);
	m->publication.root = open(m->source, O_RDONLY | O_DIRECTORY);
	m->publication.source = m->source;
	assert_int_equal(publication_init(&m->publication, 4), 0);
	m->publication.scratches = scratches_new(m->store, NULL);
	m->publication.blobs = blobs_new(m->store, 1, 3, false);
	assert_int_equal(workers_new("publish", 2, &m->publication.workers), 0);
	m->hardlinks = hardlinks_new("/tmp", 1 << 20);
	options.publication = &m->publication;
	options.hardlinks = m->hardlinks;
	options.unreadable = &m->unreadable;
	assert_int_equal(pipeline_new(&options, &m->pipeline), 0);
}

/* Publishes the source, which `change` changes. */
static void make(struct made *m, void (*change)(void))
{
	struct walk_options o = {.links = true, .leave_out = leave_out};
	struct trouble t = {0};

	*m = (struct made){.change = change};
	trees_text(directory, "source/zzz", "the last of the root");
	start(m);
	o.root = m->publication.root;
	o.source = m->source;
	if (walk(&o, count, m, &t) || walk(&o, add, m, &t) ||
		pipeline_finish(m->pipeline, &m->result, &t))
		fail_msg("%s", t.text);
	workers_free(m->publication.workers);
	m->publication.workers = NULL;
	assert_int_equal(publication_failure(&m->publication, &t), 0);
	m->history = history_new(m->store, &m->result.root);
}

static void release(struct made *m)
{
	history_free(m->history);
	pipeline_free(m->pipeline);
	hardlinks_free(m->hardlinks);
	blobs_free(m->publication.blobs);
	scratches_free(m->publication.scratches);
	publication_release(&m->publication);
	store_close(m->store);
	unreadable_release(&m->unreadable);
	close(m->publication.root);
	free(m->source);
}

static int find(struct made *m, const char *parent, const char *name, struct entry *e)
{
	return history_find(m->history, span_of_string(parent), span_of_string(name), e);
}

/* It is there with that content (of less than a chunk). */
static struct entry has(struct made *m, const char *name, const void *data, size_t size)
{
	struct digest d = digest_of(data, size), chunk;
	struct entry e;

	if (find(m, "", name, &e))
		fail_msg("%s is absent", name);
	assert_int_equal(e.type, ENTRY_FILE);
	assert_int_equal(e.size, size);
	assert_true(digest_equal(&e.content, &d));
	assert_int_equal(history_chunk(m->history, &e.object, e.offset, &chunk), 0);
	return e;
}

static struct entry has_text(struct made *m, const char *name, const char *text)
{
	return has(m, name, text, strlen(text));
}

static void has_not(struct made *m, const char *parent, const char *name)
{
	struct entry e;

	assert_int_equal(find(m, parent, name, &e), ERR_ABSENT);
}

static void move(const char *from, const char *to)
{
	char *a = at(from), *b = at(to);

	assert_int_equal(rename(a, b), 0);
	free(a);
	free(b);
}

static void make_link(const char *from, const char *to)
{
	char *a = at(from), *b = at(to);

	assert_int_equal(link(a, b), 0);
	free(a);
	free(b);
}

static void take_away(void)
{
	assert_int_equal(unlink(trees_path(directory, "source/a")), 0);
	move("source/b", "b");
	assert_int_equal(unlink(trees_path(directory, "source/d/inner")), 0);
	assert_int_equal(rmdir(trees_path(directory, "source/d")), 0);
	move("source/e", "e");
}

static void test_what_vanishes_is_left_out(void **state)
{
	struct made m;
	struct entry e;

	(void)state;
	trees_text(directory, "source/a", "aaa");
	trees_text(directory, "source/b", "bbb");
	trees_text(directory, "source/c", "ccc");
	trees_directory(directory, "source/d");
	trees_text(directory, "source/d/inner", "ddd");
	trees_directory(directory, "source/e");
	trees_text(directory, "source/e/inner", "eee");
	make(&m, take_away);
	has_not(&m, "", "a");
	has_not(&m, "", "b");
	has_text(&m, "c", "ccc");
	has_text(&m, "zzz", "the last of the root");
	/* directories that are there, in a page already, are empty ones */
	assert_int_equal(find(&m, "", "d", &e), 0);
	assert_int_equal(find(&m, "", "e", &e), 0);
	has_not(&m, "d", "inner");
	has_not(&m, "e", "inner");
	assert_int_equal(m.result.vanished, 4);
	assert_int_equal(m.result.totals.files, 2);
	assert_int_equal(m.result.totals.bytes, 3 + 20);
	assert_int_equal(m.unreadable.count, 0);
	release(&m);
}

#define GROWN (1500u << 10)
#define HUGE (3u << 20) /* more than a bundle may have */

static void put_others(void)
{
	trees_text(directory, "new", "new b, longer");
	move("new", "source/b");
	chmod(trees_path(directory, "source/b"), 0640);
	trees_fill(directory, "source/c", 5, GROWN);
	trees_fill(directory, "source/d", 6, HUGE);
	unlink(trees_path(directory, "source/e"));
	assert_int_equal(symlink("target", trees_path(directory, "source/e")), 0);
	trees_text(directory, "source/f", "");
}

static void test_what_is_replaced_is_read_again(void **state)
{
	struct made m;
	struct entry e;
	uint8_t *noise;

	(void)state;
	trees_text(directory, "source/b", "bbb");
	trees_text(directory, "source/c", "ccc");
	trees_text(directory, "source/d", "ddd");
	trees_text(directory, "source/e", "eee");
	trees_text(directory, "source/f", "fff");
	make(&m, put_others);
	e = has_text(&m, "b", "new b, longer");
	assert_int_equal(e.mode, 0640);
	noise = trees_noise(5, GROWN);
	has(&m, "c", noise, GROWN);
	free(noise);
	noise = trees_noise(6, HUGE);
	e = has(&m, "d", noise, HUGE);
	assert_int_equal(e.object.size, HUGE); /* an object of its own */
	free(noise);
	assert_int_equal(find(&m, "", "e", &e), 0);
	assert_int_equal(e.type, ENTRY_SYMLINK);
	assert_true(span_equal(e.target, span_of_string("target")));
	assert_int_equal(find(&m, "", "f", &e), 0);
	assert_false(e.has_content);
	has_text(&m, "zzz", "the last of the root");
	assert_int_equal(m.result.vanished, 0);
	assert_int_equal(m.unreadable.count, 0);
	assert_int_equal(m.result.totals.entries, 7);
	release(&m);
}

static void put_a_directory(void)
{
	unlink(trees_path(directory, "source/b"));
	trees_directory(directory, "source/b");
}

/* The walk has passed: it cannot say what is in it. */
static void test_a_directory_in_a_files_place(void **state)
{
	const char *path, *reason;
	struct made m;
	size_t next = 0;

	(void)state;
	trees_text(directory, "source/b", "bbb");
	make(&m, put_a_directory);
	has_not(&m, "", "b");
	assert_int_equal(m.unreadable.count, 1);
	assert_true(unreadable_next(&m.unreadable, &next, &path, &reason));
	assert_string_equal(path, "b");
	assert_int_equal(m.unreadable.code, ERR_CHANGED);
	release(&m);
}

static void take_leaders_away(void)
{
	unlink(trees_path(directory, "source/a1"));
	trees_text(directory, "new", "another b");
	move("new", "source/b1");
	trees_text(directory, "source/c1", "c, changed");
}

/* The others of a group do not go with its first name. */
static void test_hard_links_of_what_vanishes(void **state)
{
	struct entry a2, a3, b1, b2, b3, c1, c2;
	struct made m;

	(void)state;
	trees_text(directory, "source/a1", "aaa");
	trees_text(directory, "source/b1", "bbb");
	trees_text(directory, "source/c1", "ccc");
	make_link("source/a1", "source/a2");
	make_link("source/a1", "source/a3");
	make_link("source/b1", "source/b2");
	make_link("source/b1", "source/b3");
	make_link("source/c1", "source/c2");
	make(&m, take_leaders_away);
	has_not(&m, "", "a1");
	a2 = has_text(&m, "a2", "aaa");
	a3 = has_text(&m, "a3", "aaa");
	assert_int_equal(a2.inode, a3.inode);
	b1 = has_text(&m, "b1", "another b");
	b2 = has_text(&m, "b2", "bbb");
	b3 = has_text(&m, "b3", "bbb");
	assert_int_equal(b2.inode, b3.inode);
	assert_int_not_equal(b1.inode, b2.inode);
	c1 = has_text(&m, "c1", "c, changed");
	c2 = has_text(&m, "c2", "c, changed");
	assert_int_equal(c1.inode, c2.inode);
	assert_int_equal(m.unreadable.count, 0);
	release(&m);
}

static void leave_it(void)
{
}

static void test_at_rest(void **state)
{
	struct entry a, b;
	struct made m;

	(void)state;
	trees_text(directory, "source/a", "aaa");
	make_link("source/a", "source/b");
	make(&m, leave_it);
	a = has_text(&m, "a", "aaa");
	b = has_text(&m, "b", "aaa");
	assert_int_equal(a.inode, b.inode);
	assert_int_equal(a.links, 2);
	assert_int_equal(m.result.vanished, 0);
	release(&m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_at_rest),
		TEST(test_what_vanishes_is_left_out),
		TEST(test_what_is_replaced_is_read_again),
		TEST(test_a_directory_in_a_files_place),
		TEST(test_hard_links_of_what_vanishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
