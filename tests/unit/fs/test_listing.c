/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/hints.h"
#include "fs/listing.h"

#define SAMPLES 1500
#define REPLY_SIZE 4096
#define LARGE_REPLY (64u << 10)

static void read_directory(
	struct fuse_req *req, uint64_t node, bool plus, size_t size, off_t offset)
{
	if (plus)
		listing_read_plus(req, node, size, offset, NULL);
	else
		listing_read(req, node, size, offset, NULL);
}

/* The whole directory in replies of that size: all names behind one another, each with a
 * slash; *lookups, may be NULL, of the nodes that were handed out. */
static char *list(
	struct memory_mount *m, uint64_t node, bool plus, size_t size, unsigned *lookups)
{
	char *names = calloc(1, 1u << 16);
	struct fuse_req req;
	off_t offset = 0;
	size_t at;

	assert_non_null(names);
	do {
		struct listed e;

		req_init(&req, m->fs);
		read_directory(&req, node, plus, size, offset);
		mount_bring(m, true);
		assert_reply(&req, REPLY_BYTES);
		assert_in_range(req.reply.size, 0, size);
		for (at = 0; listed_next(&req, plus, &at, &e); offset++) {
			assert_int_equal(e.next, offset + 1);
			strcat(strcat(names, e.name), "/");
			if (lookups && e.node)
				(*lookups)++;
		}
		req_release(&req);
	} while (at);
	return names;
}

/* What list() should give. */
static char *expected(struct memory_mount *m, struct span path)
{
	char *names = calloc(1, 1u << 16);

	assert_non_null(names);
	strcat(names, "./../");
	for (size_t i = 0; i < m->samples->count; i++) {
		const struct entry *e = &m->samples->entries[i];

		if (!e->name.size || !span_equal(e->parent, path))
			continue;
		strncat(names, (const char *)e->name.data, e->name.size);
		strcat(names, "/");
	}
	return names;
}

/* Every directory of a tree of all kinds has its names, in order, once. */
static void every_directory_has_its_names(void **state)
{
	struct memory_mount m;

	(void)state;
	mount_init_random(&m, 2, SAMPLES);
	mount_begin(&m, OPEN_PLAIN);
	mount_keep_pages(&m);
	for (size_t i = 0; i < m.samples->count; i++) {
		const struct entry *e = &m.samples->entries[i];
		struct span path = sample_path(m.samples, e);
		uint64_t node = FUSE_ROOT_ID;
		char *names, *wanted, *text;

		if (e->type != ENTRY_DIRECTORY)
			continue;
		text = strndup((const char *)path.data, path.size);
		for (char *rest = text, *name; (name = strtok_r(rest, "/", &rest));)
			node = mount_lookup(&m, node, name);
		wanted = expected(&m, path);
		names = list(&m, node, i % 2, REPLY_SIZE, NULL);
		assert_string_equal(names, wanted);
		free(names);
		free(wanted);
		free(text);
	}
	mount_end(&m);
}

#define FILES 300

static struct span directory_path(void)
{
	return span_of_string("directory");
}

/* A directory of many leaves, with a neighbour on each side. */
static void plant(struct memory_mount *m)
{
	char name[32];

	mount_init(m);
	mount_add(
		m, "", "directory", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0700});
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "file-%03u", i);
		mount_add(m, "directory", name,
			(struct entry){.type = ENTRY_FILE, .mode = 0640, .size = i});
	}
	mount_add(m, "", "empty", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0755});
	mount_add(m, "", "other", (struct entry){.type = ENTRY_DIRECTORY, .mode = 0755});
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "name-%03u", i);
		mount_add(m, "other", name,
			(struct entry){.type = ENTRY_SYMLINK,
				.mode = 0777,
				.size = 1,
				.target = span_of_string("x")});
	}
	mount_begin(m, OPEN_PLAIN);
}

static void a_reply_of_any_size_loses_nothing(void **state)
{
	static const size_t sizes[] = {200, 333, 4096, 8192, 8193, LARGE_REPLY, 1u << 22};
	struct memory_mount m;
	uint64_t node;
	char *wanted;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	wanted = expected(&m, directory_path());
	node = mount_lookup(&m, FUSE_ROOT_ID, "directory");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		for (unsigned plus = 0; plus < 2; plus++) {
			char *names = list(&m, node, plus, sizes[i], NULL);

			assert_string_equal(names, wanted);
			free(names);
		}
	}
	free(wanted);
	mount_end(&m);
}

/* The kernel then asks with a larger one; nothing was handed out. */
static void a_reply_too_small_for_a_name_is_empty(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	req_init(&req, m.fs);
	read_directory(&req, FUSE_ROOT_ID, true, 100, 2);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 0);
	req_renew(&req);
	read_directory(&req, FUSE_ROOT_ID, false, 20, 0);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 0);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	req_release(&req);
	mount_end(&m);
}

/* The entry that a reply begins with; false: it has none. */
static bool first_at(
	struct memory_mount *m, uint64_t node, bool plus, off_t offset, struct listed *out)
{
	struct fuse_req req;
	size_t at = 0;
	bool any;

	req_init(&req, m->fs);
	read_directory(&req, node, plus, REPLY_SIZE, offset);
	mount_bring(m, true);
	assert_reply(&req, REPLY_BYTES);
	any = listed_next(&req, plus, &at, out);
	req_release(&req);
	return any;
}

/* An offset is a number that needs no memory: whoever seeks back reads the same again. */
static void an_offset_is_a_place(void **state)
{
	static const unsigned offsets[] = {150, 2, 1, 301, 0, 77, 2, 150};
	struct memory_mount m;
	struct listed e = {0};
	uint64_t node;
	char name[32];

	(void)state;
	plant(&m);
	node = mount_lookup(&m, FUSE_ROOT_ID, "directory");
	for (unsigned i = 0; i < sizeof offsets / sizeof *offsets; i++) {
		assert_true(first_at(&m, node, i % 2, offsets[i], &e));
		if (offsets[i] >= 2)
			snprintf(name, sizeof name, "file-%03u", offsets[i] - 2);
		else
			strcpy(name, offsets[i] ? ".." : ".");
		assert_string_equal(e.name, name);
		assert_int_equal(e.next, offsets[i] + 1);
	}
	assert_false(first_at(&m, node, false, FILES + 2, &e));
	assert_false(first_at(&m, node, true, FILES + 3, &e));
	assert_false(first_at(&m, node, true, INT64_MAX, &e));
	mount_end(&m);
}

static void what_cannot_be_is_refused(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	req_init(&req, m.fs);
	read_directory(&req, FUSE_ROOT_ID, true, REPLY_SIZE, -1);
	assert_errno(&req, EINVAL);
	req_renew(&req);
	read_directory(&req, 3 * NODE_ROWS + 1, false, REPLY_SIZE, 0);
	assert_errno(&req, ESTALE);
	assert_int_equal(m.source.asked, 0);
	req_release(&req);
	mount_end(&m);
}

static void assert_dots(
	struct memory_mount *m, uint64_t node, uint64_t self, uint64_t parent)
{
	struct listed e = {0};

	for (unsigned plus = 0; plus < 2; plus++) {
		assert_true(first_at(m, node, plus, 0, &e));
		assert_string_equal(e.name, ".");
		assert_int_equal(e.inode, self);
		assert_int_equal(e.type, S_IFDIR >> 12);
		assert_int_equal(e.node, 0);
		assert_true(first_at(m, node, plus, 1, &e));
		assert_string_equal(e.name, "..");
		assert_int_equal(e.inode, parent);
		assert_int_equal(e.type, S_IFDIR >> 12);
		assert_int_equal(e.node, 0);
	}
}

static void the_dots_have_their_inodes(void **state)
{
	struct memory_mount m;
	uint64_t root, empty;

	(void)state;
	plant(&m);
	root = sample_inode(mount_entry(&m, "", ""));
	empty = sample_inode(mount_entry(&m, "", "empty"));
	assert_dots(&m, FUSE_ROOT_ID, root, root);
	assert_dots(&m, mount_lookup(&m, FUSE_ROOT_ID, "empty"), empty, root);
	mount_end(&m);
}

/* With attributes, each name counts as a lookup, and its node answers. */
static void a_listing_with_attributes_looks_up(void **state)
{
	struct fuse_req req, attr;
	struct memory_mount m;
	unsigned count = 0;
	struct listed e = {0};
	size_t at = 0;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	req_init(&req, m.fs);
	read_directory(&req, FUSE_ROOT_ID, true, REPLY_SIZE, 2);
	assert_reply(&req, REPLY_BYTES);
	while (listed_next(&req, true, &at, &e)) {
		const struct entry *entry = mount_entry(&m, "", e.name);

		assert_int_equal(e.inode, sample_inode(entry));
		assert_int_equal(e.mode, S_IFDIR | entry->mode);
		assert_int_equal(e.type, S_IFDIR >> 12);
		req_init(&attr, m.fs);
		lookups_getattr(&attr, e.node, NULL);
		assert_reply(&attr, REPLY_ATTR);
		assert_int_equal(attr.reply.entry.attr.st_ino, e.inode);
		req_release(&attr);
		count++;
	}
	assert_int_equal(count, 3);
	for (at = 0; listed_next(&req, true, &at, &e);)
		node_table_forget(m.fs->node_table, e.node, 1);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	/* without them nothing is looked up */
	req_renew(&req);
	read_directory(&req, FUSE_ROOT_ID, false, REPLY_SIZE, 2);
	assert_reply(&req, REPLY_BYTES);
	at = 0;
	assert_true(listed_next(&req, false, &at, &e));
	assert_int_equal(e.inode, sample_inode(mount_entry(&m, "", "directory")));
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	req_release(&req);
	mount_end(&m);
}

/* One reply holds names of so many leaves and no more; the next one goes on. */
static void a_reply_holds_a_bounded_number_of_leaves(void **state)
{
	unsigned lookups = 0;
	struct memory_mount m;
	struct fuse_req req;
	struct listed e = {0};
	uint64_t node;
	size_t at = 0;
	char *names, *wanted;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	node = mount_lookup(&m, FUSE_ROOT_ID, "directory");
	req_init(&req, m.fs);
	read_directory(&req, node, true, LARGE_REPLY, 0);
	assert_reply(&req, REPLY_BYTES);
	while (listed_next(&req, true, &at, &e))
		lookups += e.node != 0;
	assert_in_range(lookups, 32, FILES - 1);
	assert_in_range(node_table_count(m.fs->node_table), 32, 34);
	req_release(&req);
	lookups = 0;
	names = list(&m, node, true, LARGE_REPLY, &lookups);
	wanted = expected(&m, directory_path());
	assert_string_equal(names, wanted);
	assert_int_equal(lookups, FILES);
	free(names);
	free(wanted);
	mount_end(&m);
}

/* A lookup that the kernel never heard of is not counted. */
static void a_lost_reply_holds_nothing(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	req_init(&req, m.fs);
	req.sending_fails = true;
	read_directory(&req, FUSE_ROOT_ID, true, REPLY_SIZE, 0);
	assert_reply(&req, REPLY_BYTES);
	assert_true(req.reply.size > 0);
	assert_int_equal(node_table_count(m.fs->node_table), 0);
	req_release(&req);
	mount_end(&m);
}

/* Some entries now are better than all of them later: what is missing behind them is asked
 * for without anybody waiting. */
static void what_is_here_is_listed_at_once(void **state)
{
	struct place first, second = {0};
	struct memory_mount m;
	struct fuse_req req;
	struct listed e = {0};
	char name[32];
	unsigned count = 0;
	uint64_t node;
	size_t at = 0;

	(void)state;
	plant(&m);
	mount_keep_levels(&m, 1, PAGE_LEVEL_MAX);
	node = mount_lookup(&m, FUSE_ROOT_ID, "directory");
	/* where the directory begins tells the ranks of its entries */
	first = mount_place(&m, "directory", "file-000");
	mount_keep_page(&m, &first.leaf);
	first = mount_place(&m, "directory", "file-100");
	mount_keep_page(&m, &first.leaf);
	for (unsigned i = 101; second.rank == 0; i++) {
		struct place p;

		snprintf(name, sizeof name, "file-%03u", i);
		p = mount_place(&m, "directory", name);
		if (!digest_equal(&p.leaf, &first.leaf))
			second = p;
	}
	req_init(&req, m.fs);
	read_directory(&req, node, true, REPLY_SIZE, 102);
	assert_reply(&req, REPLY_BYTES);
	while (listed_next(&req, true, &at, &e))
		count++;
	assert_int_equal(count, second.rank - first.rank);
	assert_int_equal(m.source.waiting, 0);
	assert_int_equal(m.source.hint_count, 1);
	assert_true(mount_hinted(&m, &second.leaf));
	/* and the next one waits for just that */
	req_renew(&req);
	read_directory(&req, node, true, REPLY_SIZE, (off_t)(102 + count));
	assert_waits_for(&m, &second.leaf);
	assert_int_equal(req_replies(&req), 0);
	mount_bring(&m, true);
	assert_reply(&req, REPLY_BYTES);
	at = 0;
	assert_true(listed_next(&req, true, &at, &e));
	assert_string_equal(e.name, name);
	req_release(&req);
	mount_end(&m);
}

static void trouble_is_the_next_requests(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	uint64_t node;

	(void)state;
	plant(&m);
	mount_keep_levels(&m, 1, PAGE_LEVEL_MAX);
	node = mount_lookup(&m, FUSE_ROOT_ID, "directory");
	req_init(&req, m.fs);
	read_directory(&req, node, false, REPLY_SIZE, 202);
	assert_int_equal(m.source.waiting, 1);
	mount_fail_first(&m, ERR_UNREACHABLE, "no route");
	assert_errno(&req, ENETUNREACH);
	assert_true(mount_logged(&m, "readdir of /directory: no route"));
	req_release(&req);
	mount_end(&m);
}

/* Is every hint a leaf that is not in the cache, behind that place in the tree's order? */
static void assert_hints_ahead(struct memory_mount *m, uint64_t rank)
{
	for (unsigned i = 0; i < m->source.hint_count; i++) {
		const struct digest *name = &m->source.hints[i].digest;
		struct memory_page *p = memory_pages_find(&m->pages, name);
		struct place place;
		struct page page;
		struct entry e;
		char parent[64] = "", text[64] = "";

		assert_non_null(p);
		assert_int_equal(m->source.hints[i].kind, BLOB_PAGE);
		assert_int_equal(mount_page_level(p), 0);
		assert_int_equal(page_view(span_of_bytes(&p->packed), &page), 0);
		assert_int_equal(page_entry(&page, page.count - 1, &e), 0);
		memcpy(parent, e.parent.data, e.parent.size);
		memcpy(text, e.name.data, e.name.size);
		place = mount_place(m, parent, text);
		assert_true(place.rank > rank);
		assert_false(cache_has(m->source.engine.cache, &m->source.hints[i]));
		for (unsigned k = 0; k < i; k++)
			assert_false(digest_equal(&m->source.hints[k].digest, name));
	}
}

/* Who lists one directory alone gets just that; who goes on to the next in the tree's
 * order, as find does, has the leaves behind it fetched. */
static void who_walks_the_tree_has_leaves_ahead(void **state)
{
	struct place here, behind;
	struct memory_mount m;
	struct fuse_req req;
	uint64_t node;

	(void)state;
	plant(&m);
	mount_keep_levels(&m, 1, PAGE_LEVEL_MAX);
	here = mount_place(&m, "directory", "file-000");
	behind = mount_place(&m, "directory", "file-250");
	req_init(&req, m.fs);
	read_directory(&req, FUSE_ROOT_ID, true, REPLY_SIZE, 2);
	mount_bring(&m, true);
	assert_reply(&req, REPLY_BYTES);
	node = mount_lookup(&m, FUSE_ROOT_ID, "directory");
	assert_false(mount_hinted(&m, &behind.leaf));
	m.source.hint_count = 0;
	mount_keep_page(&m, &here.leaf);
	req_renew(&req);
	read_directory(&req, node, true, REPLY_SIZE, 2);
	assert_reply(&req, REPLY_BYTES);
	assert_in_range(m.source.hint_count, 16, HINTS_MAX);
	assert_true(mount_hinted(&m, &behind.leaf));
	assert_hints_ahead(&m, here.rank);
	req_release(&req);
	mount_end(&m);
}

static void a_jump_has_nothing_ahead(void **state)
{
	struct place here;
	struct memory_mount m;
	struct fuse_req req;
	uint64_t other;

	(void)state;
	plant(&m);
	mount_keep_levels(&m, 1, PAGE_LEVEL_MAX);
	req_init(&req, m.fs);
	read_directory(&req, FUSE_ROOT_ID, true, REPLY_SIZE, 2);
	mount_bring(&m, true);
	other = mount_lookup(&m, FUSE_ROOT_ID, "other");
	here = mount_place(&m, "other", "name-000");
	mount_keep_page(&m, &here.leaf);
	here = mount_place(&m, "other", "name-150");
	mount_keep_page(&m, &here.leaf);
	m.source.hint_count = 0;
	req_renew(&req);
	read_directory(&req, other, true, REPLY_SIZE, 152);
	assert_reply(&req, REPLY_BYTES);
	/* but for the very next leaf, which it would need by itself */
	assert_int_equal(m.source.hint_count, 1);
	req_release(&req);
	mount_end(&m);
}

static void opening_lets_the_kernel_keep_listings(void **state)
{
	struct fuse_file_info fi = {0};
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m);
	req_init(&req, m.fs);
	listing_open(&req, FUSE_ROOT_ID, &fi);
	assert_reply(&req, REPLY_OPEN);
	assert_int_equal(req.reply.opened.cache_readdir, 1);
	assert_int_equal(req.reply.opened.keep_cache, 1);
	m.fs->elides_opendir = true;
	req_renew(&req);
	listing_open(&req, FUSE_ROOT_ID, &fi);
	assert_errno(&req, ENOSYS);
	req_release(&req);
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_directory_has_its_names),
		cmocka_unit_test(a_reply_of_any_size_loses_nothing),
		cmocka_unit_test(a_reply_too_small_for_a_name_is_empty),
		cmocka_unit_test(an_offset_is_a_place),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(the_dots_have_their_inodes),
		cmocka_unit_test(a_listing_with_attributes_looks_up),
		cmocka_unit_test(a_reply_holds_a_bounded_number_of_leaves),
		cmocka_unit_test(a_lost_reply_holds_nothing),
		cmocka_unit_test(what_is_here_is_listed_at_once),
		cmocka_unit_test(trouble_is_the_next_requests),
		cmocka_unit_test(who_walks_the_tree_has_leaves_ahead),
		cmocka_unit_test(a_jump_has_nothing_ahead),
		cmocka_unit_test(opening_lets_the_kernel_keep_listings),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
