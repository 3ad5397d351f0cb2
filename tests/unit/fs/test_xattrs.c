/* SPDX-License-Identifier: MIT */
#include "unit/await.h"
#include "unit/memory_mount.h"

#include "fs/mount_ask.h"
#include "fs/xattrs.h"

/* "file" has two attributes, "plain" none. */
static void plant(struct memory_mount *m, bool any)
{
	struct entry file = {.type = ENTRY_FILE, .mode = 0644};
	struct bytes packed = {0};

	mount_init(m);
	mount_add(m, "", "plain", file);
	if (any) {
		assert_int_equal(xattr_append(&packed, span_of_string("user.colour"),
					 span_of_string("green")),
			0);
		assert_int_equal(xattr_append(&packed, span_of_string("user.empty"),
					 span_of_string("")),
			0);
	}
	file.xattrs = sample_copy(m->samples, packed.data, packed.size);
	mount_add(m, "", "file", file);
	bytes_release(&packed);
	mount_begin(m, OPEN_PLAIN);
}

static void get(struct memory_mount *m, struct fuse_req *req, const char *file,
	const char *name, size_t size)
{
	uint64_t node = *file ? mount_lookup(m, FUSE_ROOT_ID, file) : FUSE_ROOT_ID;

	req_init(req, m->fs);
	xattrs_get(req, node, name, size);
	mount_bring(m, true);
}

static void list(
	struct memory_mount *m, struct fuse_req *req, const char *file, size_t size)
{
	uint64_t node = mount_lookup(m, FUSE_ROOT_ID, file);

	req_init(req, m->fs);
	xattrs_list(req, node, size);
	mount_bring(m, true);
}

static void a_value_is_given(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m, true);
	get(&m, &req, "file", "user.colour", 100);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 5);
	assert_memory_equal(req.reply.bytes, "green", 5);
	req_release(&req);
	get(&m, &req, "file", "user.colour", 5);
	assert_reply(&req, REPLY_BYTES);
	assert_memory_equal(req.reply.bytes, "green", 5);
	req_release(&req);
	get(&m, &req, "file", "user.empty", 100);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 0);
	req_release(&req);
	mount_end(&m);
}

static void the_size_alone_is_given(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m, true);
	get(&m, &req, "file", "user.colour", 0);
	assert_reply(&req, REPLY_XATTR_SIZE);
	assert_int_equal(req.reply.size, 5);
	req_release(&req);
	list(&m, &req, "file", 0);
	assert_reply(&req, REPLY_XATTR_SIZE);
	assert_int_equal(req.reply.size, sizeof "user.colour" + sizeof "user.empty");
	req_release(&req);
	list(&m, &req, "plain", 0);
	assert_reply(&req, REPLY_XATTR_SIZE);
	assert_int_equal(req.reply.size, 0);
	req_release(&req);
	mount_end(&m);
}

static void what_does_not_fit_is_erange(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m, true);
	get(&m, &req, "file", "user.colour", 4);
	assert_errno(&req, ERANGE);
	req_release(&req);
	list(&m, &req, "file", sizeof "user.colour" + sizeof "user.empty" - 1);
	assert_errno(&req, ERANGE);
	req_release(&req);
	mount_end(&m);
}

static void names_are_listed(void **state)
{
	static const char names[] = "user.colour\0user.empty";
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m, true);
	list(&m, &req, "file", 1000);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, sizeof names);
	assert_memory_equal(req.reply.bytes, names, sizeof names);
	req_release(&req);
	list(&m, &req, "plain", 1000);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 0);
	req_release(&req);
	mount_end(&m);
}

static void what_is_not_there_is_enodata(void **state)
{
	char longest[XATTR_NAME_SIZE_MAX + 2];
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m, true);
	get(&m, &req, "file", "user.shape", 100);
	assert_errno(&req, ENODATA);
	req_release(&req);
	get(&m, &req, "plain", "user.colour", 0);
	assert_errno(&req, ENODATA);
	req_release(&req);
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	get(&m, &req, "file", longest, 100);
	assert_errno(&req, ENODATA);
	req_release(&req);
	/* which is an answer and no failure */
	assert_false(mount_logged(&m, "getxattr"));
	mount_end(&m);
}

/* Told so once, the kernel does not ask again. */
static void a_tree_without_any_has_no_such_call(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m, false);
	get(&m, &req, "file", "user.colour", 100);
	assert_errno(&req, ENOSYS);
	req_release(&req);
	list(&m, &req, "file", 100);
	assert_errno(&req, ENOSYS);
	req_release(&req);
	mount_end(&m);
}

static void assert_value(
	struct memory_mount *m, const char *file, const char *name, const char *value)
{
	struct fuse_req req;

	get(m, &req, file, name, 100);
	if (value) {
		assert_reply(&req, REPLY_BYTES);
		assert_int_equal(req.reply.size, strlen(value));
		assert_memory_equal(req.reply.bytes, value, strlen(value));
	} else {
		assert_errno(&req, ENODATA);
	}
	req_release(&req);
}

/* What the mount itself tells; it goes on to do so when asked to, and lists none of it. */
static void what_the_mount_tells_is_not_listed(void **state)
{
	struct entry file = {.type = ENTRY_FILE, .mode = 0644};
	struct bytes packed = {0};
	struct memory_mount m;
	struct fuse_req req;
	char revision[24];

	(void)state;
	mount_init(&m);
	mount_add(&m, "", "empty", file);
	assert_int_equal(xattr_append(&packed, span_of_string("user.cairn.revision"),
				 span_of_string("of its own")),
		0);
	file.xattrs = sample_copy(m.samples, packed.data, packed.size);
	mount_add(&m, "", "with", file);
	bytes_release(&packed);
	mount_begin(&m, OPEN_PLAIN);
	snprintf(
		revision, sizeof revision, "%llu", (unsigned long long)m.manifest.revision);
	assert_value(&m, "", "user.cairn.revision", revision);
	assert_value(&m, "empty", "user.cairn.revision", revision);
	assert_value(&m, "empty", "user.cairn.digest", NULL);
	assert_value(&m, "empty", "user.cairn.nonsense", NULL);
	assert_value(&m, "with", "user.cairn.revision", "of its own");
	list(&m, &req, "empty", 1000);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 0);
	req_release(&req);
	mount_end(&m);
}

static void asking_for_them_settles_nothing(void **state)
{
	struct memory_mount m;
	struct fuse_req req;

	(void)state;
	plant(&m, false);
	assert_value(&m, "file", "user.cairn.nonsense", NULL);
	assert_false(atomic_load(&m.fs->asks_no_xattrs));
	m.fs->own_xattrs = true;
	assert_value(&m, "file", "user.colour", NULL);
	list(&m, &req, "file", 1000);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, 0);
	req_release(&req);
	assert_false(atomic_load(&m.fs->asks_no_xattrs));
	m.fs->own_xattrs = false;
	/* nor while a revision that has some is on its way */
	atomic_store(&m.fs->xattrs_coming, true);
	assert_value(&m, "file", "user.colour", NULL);
	assert_false(atomic_load(&m.fs->asks_no_xattrs));
	atomic_store(&m.fs->xattrs_coming, false);
	get(&m, &req, "file", "user.colour", 100);
	assert_errno(&req, ENOSYS);
	assert_true(atomic_load(&m.fs->asks_no_xattrs));
	req_release(&req);
	mount_end(&m);
}

/* Whatever the tree has; of the root only. */
static void the_root_tells_who_serves_it(void **state)
{
	struct memory_mount m;
	struct fuse_req req;
	char pid[24];
	size_t size;

	(void)state;
	size = (size_t)snprintf(pid, sizeof pid, "%ld", (long)getpid());
	plant(&m, false);
	get(&m, &req, "", MOUNT_XATTR_PID, 24);
	assert_reply(&req, REPLY_BYTES);
	assert_int_equal(req.reply.size, size);
	assert_memory_equal(req.reply.bytes, pid, size);
	req_release(&req);
	get(&m, &req, "", MOUNT_XATTR_PID, 0);
	assert_reply(&req, REPLY_XATTR_SIZE);
	assert_int_equal(req.reply.size, size);
	req_release(&req);
	get(&m, &req, "", MOUNT_XATTR_PID, size - 1);
	assert_errno(&req, ERANGE);
	req_release(&req);
	get(&m, &req, "file", MOUNT_XATTR_PID, 24);
	assert_errno(&req, ENODATA);
	req_release(&req);
	mount_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_given),
		cmocka_unit_test(the_size_alone_is_given),
		cmocka_unit_test(what_does_not_fit_is_erange),
		cmocka_unit_test(names_are_listed),
		cmocka_unit_test(what_is_not_there_is_enodata),
		cmocka_unit_test(a_tree_without_any_has_no_such_call),
		cmocka_unit_test(what_the_mount_tells_is_not_listed),
		cmocka_unit_test(asking_for_them_settles_nothing),
		cmocka_unit_test(the_root_tells_who_serves_it),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
