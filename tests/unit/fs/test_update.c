/* SPDX-License-Identifier: MIT */
#include "unit/memory_mount.h"

#include "fs/listing.h"
#include "fs/update.h"
#include "fs/xattrs.h"

#define FILES 60

static const struct entry file = {.type = ENTRY_FILE, .mode = 0640};
static const struct entry directory = {.type = ENTRY_DIRECTORY, .mode = 0755};

static void plant(struct memory_mount *m)
{
	char name[32];

	mount_init(m);
	mount_add(m, "", "changing", directory);
	mount_add(m, "", "steady", directory);
	mount_add(m, "", "sub", directory);
	mount_add(m, "sub", "in", directory);
	mount_add(m, "sub/in", "file", file);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "file-%02u", i);
		mount_add(m, "changing", name, file);
		mount_add(m, "steady", name, file);
	}
	mount_begin(m, OPEN_PLAIN);
	notified_count = 0;
}

static struct entry *entry_of(struct memory_mount *m, const char *parent, const char *name)
{
	return &m->samples->entries[mount_entry(m, parent, name) - m->samples->entries];
}

static void remove_entry(struct memory_mount *m, const char *parent, const char *name)
{
	struct entry *e = entry_of(m, parent, name);
	size_t at = (size_t)(e - m->samples->entries);

	memmove(e, e + 1, (--m->samples->count - at) * sizeof *e);
}

static struct update_told update(struct memory_mount *m)
{
	struct update_told told;
	struct trouble t = {0};

	mount_build(m);
	if (update_run(m->fs, NULL, &m->manifest, &told, &t))
		fail_msg("%s", t.text);
	return told;
}

static mode_t mode_of(struct memory_mount *m, uint64_t node)
{
	struct fuse_req req;
	mode_t mode;

	req_init(&req, m->fs);
	lookups_getattr(&req, node, NULL);
	mount_bring(m, true);
	assert_reply(&req, REPLY_ATTR);
	mode = req.reply.entry.attr.st_mode & 07777;
	req_release(&req);
	return mode;
}

static void assert_absent(struct memory_mount *m, uint64_t parent, const char *name)
{
	struct fuse_req req;

	req_init(&req, m->fs);
	lookups_lookup(&req, parent, name);
	mount_bring(m, true);
	assert_reply(&req, REPLY_ENTRY);
	assert_int_equal(req.reply.entry.ino, 0);
	req_release(&req);
}

static void just_what_changed_is_told(void **state)
{
	uint64_t changing, steady, kept, edited, removed, other;
	struct update_told told;
	struct memory_mount m;

	(void)state;
	plant(&m);
	changing = mount_lookup(&m, FUSE_ROOT_ID, "changing");
	steady = mount_lookup(&m, FUSE_ROOT_ID, "steady");
	kept = mount_lookup(&m, changing, "file-11");
	edited = mount_lookup(&m, changing, "file-10");
	removed = mount_lookup(&m, changing, "file-20");
	other = mount_lookup(&m, steady, "file-10");
	entry_of(&m, "changing", "file-10")->mode = 0600;
	remove_entry(&m, "changing", "file-20");
	mount_add(&m, "changing", "file-20a", file);
	told = update(&m);
	assert_int_equal(told.changes, 3);
	assert_int_equal(told.names, 3);
	assert_int_equal(notified_of(changing, "file-10"), 1);
	assert_int_equal(notified_of(changing, "file-20"), 1);
	assert_int_equal(notified_of(changing, "file-20a"), 1);
	/* its listing has other names */
	assert_int_equal(notified_of(changing, NULL), 1);
	assert_int_equal(notified_count, 4);
	/* what stays is what it was */
	assert_int_equal(mount_lookup(&m, FUSE_ROOT_ID, "changing"), changing);
	assert_int_equal(mount_lookup(&m, changing, "file-11"), kept);
	assert_int_equal(mount_lookup(&m, steady, "file-10"), other);
	/* what changed is another, and who has the old one goes on with it */
	assert_int_not_equal(mount_lookup(&m, changing, "file-10"), edited);
	assert_int_equal(mode_of(&m, mount_lookup(&m, changing, "file-10")), 0600);
	assert_int_equal(mode_of(&m, edited), 0640);
	assert_absent(&m, changing, "file-20");
	assert_int_equal(mode_of(&m, removed), 0640);
	mount_lookup(&m, changing, "file-20a");
	mount_end(&m);
}

/* A directory is its path, whatever becomes of its attributes. */
static void a_directory_stays(void **state)
{
	uint64_t changing, sub, in;
	struct memory_mount m;

	(void)state;
	plant(&m);
	changing = mount_lookup(&m, FUSE_ROOT_ID, "changing");
	sub = mount_lookup(&m, FUSE_ROOT_ID, "sub");
	in = mount_lookup(&m, sub, "in");
	entry_of(&m, "", "changing")->mode = 0700;
	remove_entry(&m, "sub/in", "file");
	remove_entry(&m, "sub", "in");
	remove_entry(&m, "", "sub");
	update(&m);
	assert_int_equal(mode_of(&m, changing), 0700);
	assert_int_equal(notified_of(changing, NULL), 1);
	/* what was in a directory that went needs no word */
	assert_int_equal(notified_of(FUSE_ROOT_ID, "sub"), 1);
	assert_int_equal(notified_of(sub, "in"), 0);
	assert_int_equal(notified_of(in, "file"), 0);
	/* who stands in it has nothing around, and is told so */
	assert_int_equal(notified_of(sub, NULL), 1);
	assert_int_equal(notified_of(in, NULL), 1);
	assert_absent(&m, in, "file");
	assert_int_equal(mode_of(&m, in), 0755);
	mount_end(&m);
}

/* What the kernel has never heard of it need not forget. */
static void nothing_is_told_of_the_unknown(void **state)
{
	struct memory_mount m;
	struct update_told told;

	(void)state;
	plant(&m);
	entry_of(&m, "changing", "file-10")->mode = 0600;
	told = update(&m);
	assert_int_equal(told.changes, 1);
	assert_int_equal(notified_count, 0);
	mount_end(&m);
}

static void without_its_pages_nothing_changes(void **state)
{
	struct update_told told;
	struct memory_mount m;
	struct trouble t = {0};
	struct digest root, shown;
	uint64_t changing, edited;

	(void)state;
	plant(&m);
	changing = mount_lookup(&m, FUSE_ROOT_ID, "changing");
	edited = mount_lookup(&m, changing, "file-10");
	root = m.manifest.root;
	entry_of(&m, "changing", "file-10")->mode = 0600;
	mount_build(&m);
	m.source.run_error = ERR_UNREACHABLE;
	assert_int_equal(update_run(m.fs, NULL, &m.manifest, &told, &t), ERR_UNREACHABLE);
	assert_string_equal(t.text, "as the test says");
	assert_false(told.shown);
	assert_int_equal(notified_count, 0);
	shown = filesystem_root(m.fs);
	assert_true(digest_equal(&shown, &root));
	assert_int_equal(mount_lookup(&m, changing, "file-10"), edited);
	/* and the next time it does */
	m.source.run_error = 0;
	assert_int_equal(update_run(m.fs, NULL, &m.manifest, &told, &t), 0);
	assert_true(told.shown);
	assert_int_equal(notified_of(changing, "file-10"), 1);
	mount_end(&m);
}

static void edit_all(struct memory_mount *m, uint64_t *changing, uint64_t *steady)
{
	char name[32];

	*changing = mount_lookup(m, FUSE_ROOT_ID, "changing");
	*steady = mount_lookup(m, FUSE_ROOT_ID, "steady");
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "file-%02u", i);
		entry_of(m, "changing", name)->mode = 0600;
		entry_of(m, "steady", name)->mode = 0600;
	}
	mount_build(m);
}

static void assert_all_told(uint64_t changing, uint64_t steady)
{
	char name[32];

	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof name, "file-%02u", i);
		assert_int_equal(notified_of(changing, name), 1);
		assert_int_equal(notified_of(steady, name), 1);
	}
}

/* Wherever it fails, nothing is shown, or the rest of what the kernel must hear of is told
 * later: by the next update, which begins no other before that, or when that is asked for.
 */
static void what_could_not_be_told_is_told_later(void **state)
{
	struct update_told told;
	struct memory_mount m;
	struct trouble t = {0};
	uint64_t changing, steady;
	unsigned shown = 0;
	bool late;
	int rc = ERR_UNREACHABLE;

	(void)state;
	for (unsigned k = 1; rc; k++) {
		plant(&m);
		edit_all(&m, &changing, &steady);
		m.source.fails_at = k;
		rc = update_run(m.fs, NULL, &m.manifest, &told, &t);
		late = rc && told.shown;
		shown += late;
		if (!told.shown)
			assert_int_equal(notified_count, 0);
		m.source.fails_at = 1;
		assert_int_equal(
			update_finish(m.fs, NULL, &told, &t), late ? ERR_UNREACHABLE : 0);
		m.source.fails_at = 0;
		if (late && k % 2)
			assert_int_equal(update_finish(m.fs, NULL, &told, &t), 0);
		else if (rc)
			update(&m);
		assert_all_told(changing, steady);
		assert_int_equal(update_finish(m.fs, NULL, &told, &t), 0);
		assert_int_equal(told.names, 0);
		mount_end(&m);
	}
	assert_in_range(shown, 2, 20);
}

/* The pages of a pruned revision do not come back: the next update goes on without. */
static void what_can_never_be_told_holds_nothing_up(void **state)
{
	struct update_told told = {0};
	struct memory_mount m;
	struct trouble t = {0};
	uint64_t changing, steady;

	(void)state;
	for (unsigned k = 1; !told.shown; k++) {
		plant(&m);
		edit_all(&m, &changing, &steady);
		m.source.fails_at = k;
		assert_int_equal(
			update_run(m.fs, NULL, &m.manifest, &told, &t), ERR_UNREACHABLE);
		if (!told.shown)
			mount_end(&m);
	}
	m.source.run_error = ERR_ABSENT;
	m.source.fails_at = 1;
	assert_int_equal(update_finish(m.fs, NULL, &told, &t), ERR_ABSENT);
	m.source.run_error = 0;
	m.source.fails_at = 1;
	assert_int_equal(update_finish(m.fs, NULL, &told, &t), 0);
	m.source.fails_at = 0;
	entry_of(&m, "changing", "file-10")->mode = 0640;
	assert_true(update(&m).shown);
	mount_end(&m);
}

/* A kernel that does not ask for them would let in whom a list keeps out. */
static void the_first_attributes_need_a_new_mount(void **state)
{
	struct update_told told;
	struct memory_mount m;
	struct trouble t = {0};
	struct fuse_req req;

	(void)state;
	plant(&m);
	mount_build(&m);
	m.manifest.totals.acls = 1;
	assert_int_equal(update_run(m.fs, NULL, &m.manifest, &told, &t), ERR_UNSUPPORTED);
	assert_non_null(strstr(t.text, "access control lists"));
	assert_false(told.shown);
	/* attributes may come as long as the kernel has not asked for any */
	m.manifest.totals.acls = 0;
	m.manifest.totals.xattrs = 1;
	assert_int_equal(update_run(m.fs, NULL, &m.manifest, &told, &t), 0);
	m.manifest.totals.xattrs = 0;
	assert_int_equal(update_run(m.fs, NULL, &m.manifest, &told, &t), 0);
	req_init(&req, m.fs);
	xattrs_list(&req, FUSE_ROOT_ID, 100);
	assert_errno(&req, ENOSYS);
	req_release(&req);
	m.manifest.totals.xattrs = 1;
	assert_int_equal(update_run(m.fs, NULL, &m.manifest, &told, &t), ERR_UNSUPPORTED);
	assert_non_null(strstr(t.text, "extended attributes"));
	mount_end(&m);
}

/* A listing ends in the view that it began in, with names only. */
static void a_listing_ends_as_it_began(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	struct listed e = {0};
	uint64_t changing;
	off_t offset = 0;
	size_t at = 0;
	char name[32];
	unsigned count = 0;

	(void)state;
	plant(&m);
	mount_keep_pages(&m);
	changing = mount_lookup(&m, FUSE_ROOT_ID, "changing");
	req_init(&req, m.fs);
	listing_read_plus(&req, changing, 4096, 0, NULL);
	mount_bring(&m, true);
	assert_reply(&req, REPLY_BYTES);
	while (listed_next(&req, true, &at, &e))
		offset = (off_t)e.next;
	assert_in_range(offset, 3, FILES);
	for (unsigned i = 0; i < FILES; i += 2) {
		snprintf(name, sizeof name, "file-%02u", i);
		remove_entry(&m, "changing", name);
	}
	update(&m);
	for (;;) {
		at = 0;
		req_renew(&req);
		listing_read_plus(&req, changing, 4096, offset, NULL);
		mount_bring(&m, true);
		assert_reply(&req, REPLY_BYTES);
		if (!req.reply.size)
			break;
		while (listed_next(&req, true, &at, &e)) {
			snprintf(name, sizeof name, "file-%02u",
				(unsigned)(offset & 0xffff) - 2);
			assert_string_equal(e.name, name);
			assert_int_equal(e.node, 0);
			offset = (off_t)e.next;
			count++;
		}
	}
	assert_int_not_equal(count, 0);
	assert_int_equal(offset & 0xffff, FILES + 2);
	/* who begins now has the new one */
	at = 0;
	count = 0;
	req_renew(&req);
	listing_read(&req, changing, 8192, 0, NULL);
	mount_bring(&m, true);
	while (listed_next(&req, false, &at, &e))
		count++;
	assert_int_equal(count, 2 + FILES / 2);
	req_release(&req);
	mount_end(&m);
}

/* Many updates, all names held: who does not change keeps the id, and each id is what its
 * name says. */
static void ids_stay_over_many_updates(void **state)
{
	uint64_t nodes[FILES] = {0}, changing, seed = 7;
	bool edited[FILES];
	struct memory_mount m;
	char name[32];

	(void)state;
	plant(&m);
	changing = mount_lookup(&m, FUSE_ROOT_ID, "changing");
	for (unsigned turn = 0; turn < 30; turn++) {
		for (unsigned i = 0; i < FILES; i++) {
			uint64_t node;

			snprintf(name, sizeof name, "file-%02u", i);
			node = mount_lookup(&m, changing, name);
			if (turn && edited[i])
				assert_int_not_equal(node, nodes[i]);
			else if (turn)
				assert_int_equal(node, nodes[i]);
			nodes[i] = node;
			assert_int_equal(
				mode_of(&m, node), mount_entry(&m, "changing", name)->mode);
		}
		for (unsigned i = 0; i < FILES; i++) {
			snprintf(name, sizeof name, "file-%02u", i);
			edited[i] = sample_random(&seed) % 8 == 0;
			if (edited[i])
				entry_of(&m, "changing", name)->mtime++;
		}
		notified_count = 0;
		update(&m);
		assert_int_equal(mount_lookup(&m, FUSE_ROOT_ID, "changing"), changing);
	}
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(just_what_changed_is_told),
		cmocka_unit_test(a_directory_stays),
		cmocka_unit_test(nothing_is_told_of_the_unknown),
		cmocka_unit_test(without_its_pages_nothing_changes),
		cmocka_unit_test(what_could_not_be_told_is_told_later),
		cmocka_unit_test(what_can_never_be_told_holds_nothing_up),
		cmocka_unit_test(the_first_attributes_need_a_new_mount),
		cmocka_unit_test(a_listing_ends_as_it_began),
		cmocka_unit_test(ids_stay_over_many_updates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
