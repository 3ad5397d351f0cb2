/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/dot_cairn.h"
#include "fs/listing.h"
#include "format/tag.h"

#define OLDEST 5
#define NEWEST 40

/* A store in the place of the dataset's: it has revisions OLDEST to `newest` of one tree.
 */
struct fake {
	struct memory_mount *mount;
	pthread_mutex_t fake_mtx; /* all below */
	pthread_cond_t fake_cond; /* something has changed */
	unsigned asked;
	uint64_t newest, tagged;
	int error;	   /* of all that is asked; 0: none */
	bool silent, over; /* it does not answer; it is the end */
};

static int fake_find(struct fake *f, uint64_t revision, const char *tag, uint64_t *found)
{
	f->asked++;
	pthread_cond_broadcast(&f->fake_cond);
	while (f->silent && !f->over)
		pthread_cond_wait(&f->fake_cond, &f->fake_mtx);
	if (f->over)
		return ERR_INTERRUPTED;
	if (f->error)
		return f->error;
	*found = tag ? f->tagged : revision ? revision : f->newest;
	return *found < OLDEST || *found > f->newest ? ERR_ABSENT : 0;
}

static int fake_bring(void *ctx, uint64_t revision, const char *tag, int64_t deadline_ns,
	struct manifest **out, struct trouble *t)
{
	struct fake *f = ctx;
	uint64_t found = 0;
	int rc;

	assert_true(deadline_ns > 0);
	pthread_mutex_lock(&f->fake_mtx);
	rc = fake_find(f, revision, tag, &found);
	pthread_mutex_unlock(&f->fake_mtx);
	if (rc)
		return trouble_set(t, rc, "the fake says so");
	*out = calloc(1, sizeof **out);
	assert_non_null(*out);
	(*out)->revision = found;
	(*out)->root = f->mount->manifest.root;
	(*out)->totals = f->mount->manifest.totals;
	return 0;
}

static void fake_end(void *ctx)
{
	struct fake *f = ctx;

	pthread_mutex_lock(&f->fake_mtx);
	f->over = true;
	pthread_cond_broadcast(&f->fake_cond);
	pthread_mutex_unlock(&f->fake_mtx);
}

static void fake_set(struct fake *f, bool silent, int error)
{
	pthread_mutex_lock(&f->fake_mtx);
	f->silent = silent;
	f->error = error;
	pthread_cond_broadcast(&f->fake_cond);
	pthread_mutex_unlock(&f->fake_mtx);
}

static unsigned fake_asked(struct fake *f)
{
	unsigned n;

	pthread_mutex_lock(&f->fake_mtx);
	n = f->asked;
	pthread_mutex_unlock(&f->fake_mtx);
	return n;
}

struct fixture {
	struct memory_mount mount;
	struct fake fake;
	struct revision_source source;
	bool over;
};

static void setup(struct fixture *f, bool has_own)
{
	struct memory_mount *m = &f->mount;

	f->over = false;
	mount_init(m);
	mount_add(m, "", "dir", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0755});
	mount_add(m, "dir", "file", (struct entry){.type = ENTRY_FILE, .mode = 0644});
	if (has_own)
		mount_add(m, "", DOT_CAIRN_NAME,
			(struct entry){.type = ENTRY_FILE, .mode = 0600});
	m->manifest.revision = NEWEST - 1;
	mount_begin(m, OPEN_PLAIN);
	mount_keep_pages(m);
	f->fake = (struct fake){.mount = m, .newest = NEWEST, .tagged = 7};
	pthread_mutex_init(&f->fake.fake_mtx, NULL);
	pthread_cond_init(&f->fake.fake_cond, NULL);
	f->source = (struct revision_source){fake_bring, fake_end, &f->fake};
	assert_int_equal(dot_cairn_begin(m->fs, &f->source), 0);
}

static void teardown(struct fixture *f)
{
	if (!f->over)
		dot_cairn_end(f->mount.fs);
	dot_cairn_free(f->mount.fs);
	mount_end(&f->mount);
	pthread_cond_destroy(&f->fake.fake_cond);
	pthread_mutex_destroy(&f->fake.fake_mtx);
}

/* What a lookup says; 0: there is no such name. */
static uint64_t look(
	struct fixture *f, uint64_t parent, const char *name, struct reply *out)
{
	struct fuse_req req;
	uint64_t node = 0;

	req_init(&req, f->mount.fs);
	lookups_lookup(&req, parent, name);
	req_await(&req);
	assert_int_equal(req_replies(&req), 1);
	if (out) {
		*out = req.reply;
		out->bytes = NULL;
	}
	if (req.reply.kind == REPLY_ENTRY)
		node = req.reply.entry.ino;
	req_release(&req);
	return node;
}

static uint64_t look_in(struct fixture *f, const char *directory, const char *name)
{
	uint64_t top = look(f, FUSE_ROOT_ID, DOT_CAIRN_NAME, NULL);

	return look(f, look(f, top, directory, NULL), name, NULL);
}

static uint64_t inode_of(struct fixture *f, uint64_t node)
{
	struct fuse_req req;
	uint64_t inode;

	req_init(&req, f->mount.fs);
	lookups_getattr(&req, node, NULL);
	assert_int_equal(req.reply.kind, REPLY_ATTR);
	inode = req.reply.entry.attr.st_ino;
	req_release(&req);
	return inode;
}

static void revisions_are_trees_of_their_own(void **state)
{
	uint64_t shown, first, second, names[3];
	struct fixture f;

	(void)state;
	setup(&f, false);
	shown = look(&f, FUSE_ROOT_ID, "dir", NULL);
	first = look_in(&f, "revisions", "6");
	second = look_in(&f, "revisions", "7");
	assert_int_equal(fake_asked(&f.fake), 2);
	assert_int_equal(look_in(&f, "revisions", "6"), first);
	assert_int_equal(fake_asked(&f.fake), 2);
	names[0] = look(&f, shown, "file", NULL);
	names[1] = look(&f, look(&f, first, "dir", NULL), "file", NULL);
	names[2] = look(&f, look(&f, second, "dir", NULL), "file", NULL);
	for (int i = 0; i < 3; i++) {
		assert_true(names[i]);
		for (int j = 0; j < i; j++) {
			assert_int_not_equal(names[i], names[j]);
			assert_int_not_equal(
				inode_of(&f, names[i]), inode_of(&f, names[j]));
		}
	}
	/* Forgotten, they are gone, and nobody else's is. */
	filesystem_forget(f.mount.fs, names[1], 2);
	assert_int_equal(look(&f, shown, "file", NULL), names[0]);
	assert_int_equal(look(&f, look(&f, second, "dir", NULL), "file", NULL), names[2]);
	/* There is one `.cairn`, and it is not in itself. */
	assert_int_equal(look(&f, first, DOT_CAIRN_NAME, NULL), 0);
	teardown(&f);
}

static void what_is_no_name_asks_nobody(void **state)
{
	static const char *const names[] = {"0", "01", "-1", "+1", "x", "6x", "",
		"9007199254740993", "99999999999999999999999"};
	struct reply reply;
	struct fixture f;
	uint64_t top;

	(void)state;
	setup(&f, false);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(look_in(&f, "revisions", names[i]), 0);
	assert_int_equal(look_in(&f, "tags", "-x"), 0);
	assert_int_equal(look_in(&f, "tags", "a b"), 0);
	top = look(&f, FUSE_ROOT_ID, DOT_CAIRN_NAME, NULL);
	assert_int_equal(look(&f, top, "other", &reply), 0);
	assert_int_equal(fake_asked(&f.fake), 0);
	/* One that may come is not kept for long. */
	assert_int_equal(look(&f, look(&f, top, "revisions", NULL), "41", &reply), 0);
	assert_int_equal(reply.kind, REPLY_ENTRY);
	assert_true(reply.entry.entry_timeout <= 1);
	teardown(&f);
}

/* The names of a listing, each with a blank behind it, asked for `size` bytes at a time. */
static void list(struct fixture *f, uint64_t node, size_t size, char *text)
{
	struct listed one;
	struct fuse_req req;
	off_t offset = 0;
	size_t at, used = 0;

	text[0] = '\0';
	do {
		req_init(&req, f->mount.fs);
		listing_read(&req, node, size, offset, NULL);
		assert_int_equal(req_await(&req), 0);
		for (at = 0; listed_next(&req, false, &at, &one);) {
			offset = (off_t)one.next;
			used += (size_t)sprintf(text + used, "%s ", one.name);
		}
		at = req.reply.size;
		req_release(&req);
	} while (at);
}

static void what_there_is_is_listed(void **state)
{
	char text[512], expected[512] = ". .. ";
	uint64_t top, revisions;
	struct fixture f;
	unsigned asked;

	(void)state;
	setup(&f, false);
	top = look(&f, FUSE_ROOT_ID, DOT_CAIRN_NAME, NULL);
	revisions = look(&f, top, "revisions", NULL);
	list(&f, top, 4096, text);
	assert_string_equal(text, ". .. revisions tags ");
	for (int i = OLDEST; i <= NEWEST; i++)
		sprintf(expected + strlen(expected), "%d ", i);
	list(&f, revisions, 4096, text);
	assert_string_equal(text, expected);
	/* The newest, the first, and a few to find the oldest. */
	asked = fake_asked(&f.fake);
	assert_in_range(asked, 3, 9);
	list(&f, revisions, 100, text);
	assert_string_equal(text, expected);
	assert_int_equal(fake_asked(&f.fake), asked);
	teardown(&f);
}

static void a_tag_is_a_link_that_moves(void **state)
{
	uint64_t top, tags, first;
	struct fuse_req req;
	struct fixture f;
	char text[64];

	(void)state;
	setup(&f, false);
	top = look(&f, FUSE_ROOT_ID, DOT_CAIRN_NAME, NULL);
	tags = look(&f, top, "tags", NULL);
	first = look(&f, tags, "stable", NULL);
	assert_int_not_equal(first, 0);
	req_init(&req, f.mount.fs);
	lookups_readlink(&req, first);
	assert_int_equal(req.reply.size, strlen("../revisions/7"));
	assert_memory_equal(req.reply.bytes, "../revisions/7", req.reply.size);
	req_release(&req);
	list(&f, tags, 4096, text);
	assert_string_equal(text, ". .. stable ");
	/* It is asked for once in a while, and goes on where it was without a server. */
	assert_int_equal(look(&f, tags, "stable", NULL), first);
	assert_int_equal(fake_asked(&f.fake), 1);
	teardown(&f);
}

static int look_each(void *ctx, const struct parked_look *look)
{
	unsigned *told = ctx;

	assert_true(look->for_manifest && look->deadline > look->since);
	assert_string_equal(look->operation, "lookup");
	assert_string_equal(
		look->path.data, *told ? ".cairn/revisions/9" : ".cairn/revisions/8");
	++*told;
	return 0;
}

static void assert_waiting(struct fixture *f, unsigned expected)
{
	unsigned count = 0, told = 0;

	assert_int_equal(dot_cairn_look(f->mount.fs, &count, look_each, &told), 0);
	assert_int_equal(count, expected);
	assert_int_equal(told, expected);
}

static void who_waits_can_be_interrupted(void **state)
{
	struct fuse_req first, second;
	struct fixture f;
	uint64_t revisions;

	(void)state;
	setup(&f, false);
	revisions = look(
		&f, look(&f, FUSE_ROOT_ID, DOT_CAIRN_NAME, NULL), "revisions", NULL);
	fake_set(&f.fake, true, 0);
	req_init(&first, f.mount.fs);
	req_init(&second, f.mount.fs);
	lookups_lookup(&first, revisions, "8");
	AWAIT(fake_asked(&f.fake) == 1);
	lookups_lookup(&second, revisions, "9");
	assert_waiting(&f, 2);
	req_interrupt(&first);
	req_interrupt(&second);
	assert_errno(&first, EINTR);
	assert_errno(&second, EINTR);
	assert_waiting(&f, 0);
	/* What came of it is known afterwards; and failures are told apart from absence. */
	fake_set(&f.fake, false, 0);
	assert_int_not_equal(look(&f, revisions, "8", NULL), 0);
	fake_set(&f.fake, false, ERR_UNREACHABLE);
	req_renew(&first);
	lookups_lookup(&first, revisions, "10");
	assert_int_equal(req_await(&first), ENETUNREACH);
	assert_true(mount_logged(&f.mount, ".cairn/revisions/10"));
	/* The end does not wait, either. */
	fake_set(&f.fake, true, 0);
	req_renew(&second);
	lookups_lookup(&second, revisions, "11");
	dot_cairn_end(f.mount.fs);
	f.over = true;
	assert_int_equal(req_await(&second), EINTR);
	req_release(&first);
	req_release(&second);
	teardown(&f);
}

static void one_of_the_datasets_goes_before_it(void **state)
{
	struct reply reply;
	struct fixture f;

	(void)state;
	setup(&f, true);
	assert_int_not_equal(look(&f, FUSE_ROOT_ID, DOT_CAIRN_NAME, &reply), 0);
	assert_int_equal(reply.entry.attr.st_mode, S_IFREG | 0600);
	AWAIT(mount_logged(&f.mount, "the dataset has a .cairn of its own"));
	teardown(&f);
}

static void what_the_kernel_was_not_told_of_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, false);
	atomic_store(&f.mount.fs->asks_no_xattrs, true);
	f.mount.manifest.totals.xattrs = 1;
	assert_int_equal(look_in(&f, "revisions", "6"), 0);
	assert_true(mount_logged(&f.mount, "extended attributes"));
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(revisions_are_trees_of_their_own),
		cmocka_unit_test(what_is_no_name_asks_nobody),
		cmocka_unit_test(what_there_is_is_listed),
		cmocka_unit_test(a_tag_is_a_link_that_moves),
		cmocka_unit_test(who_waits_can_be_interrupted),
		cmocka_unit_test(one_of_the_datasets_goes_before_it),
		cmocka_unit_test(what_the_kernel_was_not_told_of_is_refused),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
