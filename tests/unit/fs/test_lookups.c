/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include <sys/sysmacros.h>

#define SAMPLES 1500

static void assert_same_attributes(const struct stat *st, const struct entry *e)
{
	bool device = e->type == ENTRY_CHARACTER || e->type == ENTRY_BLOCK;

	assert_int_equal(st->st_ino, sample_inode(e));
	assert_int_equal(st->st_mode, entry_st_mode(e));
	assert_int_equal(st->st_nlink, e->links);
	assert_int_equal(st->st_uid, e->uid);
	assert_int_equal(st->st_gid, e->gid);
	assert_int_equal(st->st_rdev, device ? makedev(e->major, e->minor) : 0);
	assert_int_equal(st->st_size, e->type == ENTRY_DIRECTORY ? 4096u : e->size);
	assert_int_equal(st->st_mtim.tv_sec, e->mtime);
	assert_int_equal(st->st_mtim.tv_nsec, e->mtime_nsec);
}

/* The node of a directory by its path; what is missing is brought. */
static uint64_t walk_to(struct memory_mount *m, struct span path)
{
	uint64_t node = FUSE_ROOT_ID;
	char name[NAME_SIZE_MAX + 1];
	size_t at = 0;

	while (at < path.size) {
		const uint8_t *begin = path.data + at;
		const uint8_t *slash = memchr(begin, '/', path.size - at);
		size_t n = slash ? (size_t)(slash - begin) : path.size - at;

		memcpy(name, begin, n);
		name[n] = '\0';
		node = mount_lookup(m, node, name);
		at += n + 1;
	}
	return node;
}

/* Every name of a tree of all kinds, by its parent's node, and then by its own. */
static void every_entry_is_found_with_its_attributes(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	mount_init_random(&m, 1, SAMPLES);
	mount_begin(&m, OPEN_PLAIN);
	mount_keep_pages(&m);
	req_init(&req, m.fs);
	for (size_t i = 1; i < m.samples->count; i++) {
		const struct entry *e = &m.samples->entries[i];
		uint64_t parent = walk_to(&m, e->parent), node;
		char name[NAME_SIZE_MAX + 1] = "";

		memcpy(name, e->name.data, e->name.size);
		req_renew(&req);
		lookups_lookup(&req, parent, name);
		assert_reply(&req, REPLY_ENTRY);
		assert_same_attributes(&req.reply.entry.attr, e);
		assert_true(req.reply.entry.attr_timeout > 1e6);
		assert_true(req.reply.entry.entry_timeout > 1e6);
		assert_int_not_equal(req.reply.entry.generation, 0);
		node = req.reply.entry.ino;
		req_renew(&req);
		lookups_getattr(&req, node, NULL);
		assert_reply(&req, REPLY_ATTR);
		assert_same_attributes(&req.reply.entry.attr, e);
		assert_true(req.reply.entry.attr_timeout > 1e6);
	}
	assert_int_equal(m.source.asked, 0);
	req_release(&req);
	mount_end(&m);
}

/* A tree with one of each, and so many names in a directory that it has many leaves. */
static void plant(struct memory_mount *m)
{
	struct entry sparse;
	uint8_t *extents;
	char name[32];

	mount_init(m);
	mount_add(
		m, "", "directory", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0700});
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof name, "file-%03u", i);
		mount_add(m, "directory", name,
			(struct entry){.type = ENTRY_FILE, .mode = 0644, .uid = i});
	}
	mount_add(m, "", "link",
		(struct entry){.type = ENTRY_SYMLINK,
			.mode = 0777,
			.size = 14,
			.target = span_of_string("directory/file")});
	sparse = mount_file(mount_object(m, 1), 0, 1000);
	extents = sample_memory(m->samples, EXTENT_RECORD_SIZE);
	extent_put(extents, 0, &(struct extent){.offset = 8192, .size = 1000});
	sparse.extents = extents;
	sparse.extent_count = 1;
	sparse.size = 20000;
	mount_add(m, "", "sparse", sparse);
	mount_begin(m, OPEN_PLAIN);
}

/* The kernel keeps it, for there is no node; nothing is held for it. */
static void an_absent_name_is_a_negative_entry(void **state)
{
	static const char *const names[] = {
		"a", "directorz", "zzz", "director", "file-000"};
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	req_init(&req, m.fs);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		req_renew(&req);
		lookups_lookup(&req, FUSE_ROOT_ID, names[i]);
		assert_reply(&req, REPLY_ENTRY);
		assert_int_equal(req.reply.entry.ino, 0);
		assert_true(req.reply.entry.entry_timeout > 1e6);
	}
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	/* nor is there a name below what is no directory */
	req_renew(&req);
	lookups_lookup(&req, mount_lookup(&m, FUSE_ROOT_ID, "link"), "file-000");
	assert_reply(&req, REPLY_ENTRY);
	assert_int_equal(req.reply.entry.ino, 0);
	req_release(&req);
	mount_end(&m);
}

static void what_cannot_be_is_refused(void **state)
{
	char longest[NAME_SIZE_MAX + 2];
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	memset(longest, 'x', sizeof longest);
	longest[NAME_SIZE_MAX + 1] = '\0';
	req_init(&req, m.fs);
	lookups_lookup(&req, FUSE_ROOT_ID, longest);
	assert_errno(&req, ENAMETOOLONG);
	longest[NAME_SIZE_MAX] = '\0';
	req_renew(&req);
	lookups_lookup(&req, FUSE_ROOT_ID, longest);
	assert_reply(&req, REPLY_ENTRY);
	/* nodes that nobody has looked up */
	req_renew(&req);
	lookups_lookup(&req, NODE_ROWS, "file-000");
	assert_errno(&req, ESTALE);
	req_renew(&req);
	lookups_getattr(&req, 7 * NODE_ROWS + 1, NULL);
	assert_errno(&req, ESTALE);
	req_release(&req);
	mount_end(&m);
}

/* Each name is held by itself, although they share a leaf. */
static void a_node_lives_as_long_as_its_lookups(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	uint64_t link, sparse;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	link = mount_lookup(&m, FUSE_ROOT_ID, "link");
	assert_int_equal(mount_lookup(&m, FUSE_ROOT_ID, "link"), link);
	node_table_forget(m.fs->node_table, link, 1);
	req_init(&req, m.fs);
	lookups_getattr(&req, link, NULL);
	assert_reply(&req, REPLY_ATTR);
	sparse = mount_lookup(&m, FUSE_ROOT_ID, "sparse");
	assert_int_not_equal(sparse, link);
	node_table_forget(m.fs->node_table, link, 1);
	node_table_forget(m.fs->node_table, sparse, 1);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	req_renew(&req);
	lookups_getattr(&req, link, NULL);
	assert_errno(&req, ESTALE);
	req_release(&req);
	mount_end(&m);
}

/* One page after another on the way down, each just when it is needed, once. */
static void what_is_missing_is_asked_for_on_the_way(void **state)
{
	struct digest last = {0};
	struct memory_mount m;
	struct fuse_req req;
	struct place place;
	unsigned steps = 0;

	(void)state;
	plant(&m);
	place = mount_place(&m, "", "directory");
	req_init(&req, m.fs);
	lookups_lookup(&req, FUSE_ROOT_ID, "directory");
	assert_waits_for(&m, &m.manifest.root);
	while (m.source.waiting) {
		assert_int_equal(req_replies(&req), 0);
		assert_int_equal(m.source.line[0].count, 1);
		assert_int_equal(m.source.line[0].wants[0].kind, BLOB_PAGE);
		last = m.source.line[0].wants[0].digest;
		steps++;
		mount_bring_first(&m, true);
	}
	assert_true(digest_equal(&last, &place.leaf));
	assert_int_equal(
		steps, 1 + mount_page_level(memory_pages_find(&m.pages, &m.manifest.root)));
	assert_reply(&req, REPLY_ENTRY);
	assert_int_equal(req.reply.entry.attr.st_mode, S_IFDIR | 0700);
	mount_end(&m);
	assert_int_equal(req_replies(&req), 1);
	req_release(&req);
}

/* What was brought is in the request's hands, whether or not the cache could keep it. */
static void it_is_answered_though_the_cache_keeps_nothing(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	unsigned asked;

	(void)state;
	plant(&m);
	req_init(&req, m.fs);
	lookups_lookup(&req, FUSE_ROOT_ID, "link");
	mount_bring(&m, false);
	assert_reply(&req, REPLY_ENTRY);
	assert_int_not_equal(req.reply.entry.ino, 0);
	asked = m.source.asked;
	req_renew(&req);
	lookups_lookup(&req, FUSE_ROOT_ID, "link");
	assert_waits_for(&m, &m.manifest.root);
	mount_bring(&m, true);
	assert_int_equal(m.source.asked, 2 * asked);
	/* and then it is in the cache */
	req_renew(&req);
	lookups_lookup(&req, FUSE_ROOT_ID, "link");
	assert_reply(&req, REPLY_ENTRY);
	assert_int_equal(m.source.asked, 2 * asked);
	req_release(&req);
	mount_end(&m);
}

/* A name is absent only when the page where it would be has been seen. */
static void no_name_is_absent_for_want_of_a_page(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	struct place place;
	uint64_t directory;

	(void)state;
	plant(&m);
	mount_keep_levels(&m, 1, PAGE_LEVEL_MAX);
	directory = mount_lookup(&m, FUSE_ROOT_ID, "directory");
	place = mount_place(&m, "directory", "file-101");
	req_init(&req, m.fs);
	lookups_lookup(&req, directory, "file-100-and-a-half");
	assert_waits_for(&m, &place.leaf);
	mount_fail_first(&m, ERR_UNREACHABLE, "the cable is cut");
	assert_errno(&req, ENETUNREACH);
	assert_true(mount_logged(
		&m, "lookup of /directory/file-100-and-a-half: the cable is cut"));
	req_renew(&req);
	lookups_lookup(&req, directory, "file-100-and-a-half");
	mount_bring(&m, true);
	assert_reply(&req, REPLY_ENTRY);
	assert_int_equal(req.reply.entry.ino, 0);
	req_release(&req);
	mount_end(&m);
}

/* What the store does not have is no absent name either. */
static void a_missing_page_is_an_error(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	struct trouble last;

	(void)state;
	plant(&m);
	req_init(&req, m.fs);
	lookups_lookup(&req, FUSE_ROOT_ID, "zzz");
	mount_fail_first(&m, ERR_ABSENT, "the store lacks it");
	assert_errno(&req, EIO);
	failures_last(&m.fs->failures, &last);
	assert_int_equal(last.code, ERR_ABSENT);
	req_release(&req);
	mount_end(&m);
}

static void links_are_read(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	req_init(&req, m.fs);
	lookups_readlink(&req, mount_lookup(&m, FUSE_ROOT_ID, "link"));
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 14);
	assert_memory_equal(req.reply.bytes, "directory/file", 14);
	req_renew(&req);
	lookups_readlink(&req, mount_lookup(&m, FUSE_ROOT_ID, "sparse"));
	assert_errno(&req, EINVAL);
	/* it is not a failure */
	assert_false(mount_logged(&m, "readlink"));
	req_release(&req);
	mount_end(&m);
}

static void assert_seeks(
	struct memory_mount *m, const char *name, off_t from, int whence, off_t to)
{
	uint64_t node = mount_lookup(m, FUSE_ROOT_ID, name);
	struct fuse_req req;

	req_init(&req, m->fs);
	lookups_lseek(&req, node, from, whence, NULL);
	assert_reply(&req, REPLY_OFFSET);
	assert_int_equal(req.reply.offset, to);
	req_release(&req);
}

static void assert_no_seek(
	struct memory_mount *m, const char *name, off_t from, int whence, int errnum)
{
	uint64_t node = mount_lookup(m, FUSE_ROOT_ID, name);
	struct fuse_req req;

	req_init(&req, m->fs);
	lookups_lseek(&req, node, from, whence, NULL);
	assert_errno(&req, errnum);
	req_release(&req);
}

static void data_and_holes_are_found(void **state)
{
	struct memory_mount m;

	(void)state;
	plant(&m);
	assert_seeks(&m, "sparse", 0, SEEK_DATA, 8192);
	assert_seeks(&m, "sparse", 8200, SEEK_DATA, 8200);
	assert_seeks(&m, "sparse", 0, SEEK_HOLE, 0);
	assert_seeks(&m, "sparse", 8200, SEEK_HOLE, 9192);
	assert_no_seek(&m, "sparse", 9192, SEEK_DATA, ENXIO);
	assert_no_seek(&m, "sparse", 20000, SEEK_HOLE, ENXIO);
	assert_no_seek(&m, "sparse", -1, SEEK_DATA, ENXIO);
	assert_no_seek(&m, "sparse", 0, SEEK_END, EINVAL);
	mount_end(&m);
}

/* Of a file whose runs stand in lists: those are waited for. */
static void data_and_holes_are_found_in_lists(void **state)
{
	struct memory_mount m;
	struct entry image;
	struct fuse_req req;
	uint64_t node;

	(void)state;
	mount_init(&m);
	image = mount_file(mount_object(&m, 1), 0, 1000);
	image.run_list = mount_run_list(&m, 9000, 4096);
	image.size = 40000000;
	mount_add(&m, "", "image", image);
	mount_begin(&m, OPEN_PLAIN);
	node = mount_lookup(&m, FUSE_ROOT_ID, "image");
	req_init(&req, m.fs);
	lookups_lseek(&req, node, 4096 * 5000 + 1, SEEK_DATA, NULL);
	assert_waits_for(&m, &image.run_list.digest);
	assert_int_equal(m.source.line[0].wants[0].kind, BLOB_EXTENTS);
	mount_bring_first(&m, true);
	assert_int_equal(m.source.waiting, 1); /* for the one below it */
	assert_int_equal(m.source.line[0].wants[0].kind, BLOB_EXTENTS);
	mount_bring(&m, false);
	assert_reply(&req, REPLY_OFFSET);
	assert_int_equal(req.reply.offset, 4096 * 5001);
	req_release(&req);
	for (size_t i = 0; i < m.lists.count; i++)
		mount_keep(&m, &(struct want){.kind = BLOB_EXTENTS,
				       .digest = m.lists.pages[i].name});
	assert_seeks(&m, "image", 0, SEEK_DATA, 4096);
	assert_seeks(&m, "image", 4096 * 9000, SEEK_DATA, 4096 * 9000);
	assert_seeks(&m, "image", 4096 * 9000, SEEK_HOLE, 4096 * 9000 + 1);
	assert_no_seek(&m, "image", 4096 * 9000 + 1, SEEK_DATA, ENXIO);
	assert_seeks(&m, "image", 39999999, SEEK_HOLE, 39999999);
	mount_end(&m);
}

static void the_root_has_attributes(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	req_init(&req, m.fs);
	lookups_getattr(&req, FUSE_ROOT_ID, NULL);
	assert_waits_for(&m, &m.manifest.root);
	mount_bring(&m, true);
	assert_reply(&req, REPLY_ATTR);
	assert_same_attributes(&req.reply.entry.attr, mount_entry(&m, "", ""));
	req_release(&req);
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_is_found_with_its_attributes),
		cmocka_unit_test(an_absent_name_is_a_negative_entry),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_node_lives_as_long_as_its_lookups),
		cmocka_unit_test(what_is_missing_is_asked_for_on_the_way),
		cmocka_unit_test(it_is_answered_though_the_cache_keeps_nothing),
		cmocka_unit_test(no_name_is_absent_for_want_of_a_page),
		cmocka_unit_test(a_missing_page_is_an_error),
		cmocka_unit_test(links_are_read),
		cmocka_unit_test(data_and_holes_are_found),
		cmocka_unit_test(data_and_holes_are_found_in_lists),
		cmocka_unit_test(the_root_has_attributes),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
