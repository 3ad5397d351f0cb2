/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cli/mounts.h"
#include "unit/trees.h"

/* A mount that is only noted: its directory, and what the record is made of. */
static char *directory;
static char mountpoint[600];
static struct manifest manifest;
static struct dataset dataset;
static struct reader reader;
static struct reader_options options;
static struct trouble t;

static int set_up(void **state)
{
	char *real;

	(void)state;
	memset(&t, 0, sizeof t);
	directory = trees_new();
	real = realpath(directory, NULL);
	snprintf(mountpoint, sizeof mountpoint, "%s/mnt", real);
	free(real);
	trees_directory(directory, "mnt");
	trees_directory(directory, "mnt/sub");
	trees_directory(directory, "mnt2");
	trees_directory(directory, "cache");
	/* Where it is noted, unless root runs this: then it is /run/cairn. */
	setenv("XDG_RUNTIME_DIR", directory, 1);
	setenv("XDG_CACHE_HOME", directory, 1);
	manifest = (struct manifest){.revision = 42};
	dataset = (struct dataset){.url = (char *)"https://a/b", .manifest = &manifest};
	memset(dataset.key.bytes, 7, sizeof dataset.key.bytes);
	reader = (struct reader){.dataset = &dataset};
	reader_options_init(&options);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mounts_remove(mountpoint);
	reader_options_release(&options);
	trees_remove(directory);
	return 0;
}

static void add(void)
{
	int rc = mounts_add(
		mountpoint, &options, &reader, reader.dataset->manifest->revision, &t);

	if (rc == ERR_DENIED && geteuid() == 0)
		skip(); /* /run cannot be written here */
	assert_int_equal(rc, 0);
}

static void finds(const char *path, const char *want)
{
	struct mount_record m;
	char *below;

	assert_int_equal(mounts_find(path, &m, &below), 0);
	assert_string_equal(below, want);
	assert_string_equal(m.mountpoint, mountpoint);
	free(below);
	mount_record_release(&m);
}

static void finds_nothing(const char *path)
{
	struct mount_record m;
	char *below = NULL;

	assert_int_equal(mounts_find(path, &m, &below), ERR_ABSENT);
	assert_null(below);
}

static void test_finds_what_is_below(void **state)
{
	(void)state;
	finds_nothing(mountpoint);
	add();
	finds(mountpoint, "");
	finds(trees_path(directory, "mnt/"), "");
	finds(trees_path(directory, "mnt/sub"), "sub");
	finds(trees_path(directory, "mnt/sub/../sub/"), "sub");
	finds(trees_path(directory, "mnt2/../mnt/sub"), "sub");
	/* Globs, and what is not there (yet). */
	finds(trees_path(directory, "mnt/*.h"), "*.h");
	finds(trees_path(directory, "mnt/sub/none/*"), "sub/none/*");
	finds_nothing(trees_path(directory, "mnt2"));
	finds_nothing(directory);
	finds_nothing("/");
	finds_nothing("");
	mounts_remove(mountpoint);
	finds_nothing(mountpoint);
	mounts_remove(mountpoint);
}

/* Root sees those of others as well. */
static void test_all_are_listed(void **state)
{
	struct mounts_list l;
	unsigned ours = 0;
	char *socket;

	(void)state;
	add();
	assert_int_equal(mounts_list(&l), 0);
	for (size_t i = 0; i < l.count; i++) {
		assert_true(i == 0 ||
			    strcmp(l.items[i - 1].mountpoint, l.items[i].mountpoint) <= 0);
		if (strcmp(l.items[i].mountpoint, mountpoint))
			continue;
		ours++;
		assert_int_equal(l.items[i].owner, geteuid());
		assert_int_equal(l.items[i].pid, getpid());
		socket = mounts_socket(mountpoint);
		assert_string_equal(l.items[i].socket, socket);
		free(socket);
	}
	assert_int_equal(ours, 1);
	mounts_list_free(&l);
}

static void test_relative_paths(void **state)
{
	int before = open(".", O_RDONLY | O_DIRECTORY);

	(void)state;
	add();
	assert_int_equal(chdir(trees_path(directory, "mnt/sub")), 0);
	finds(".", "sub");
	finds("..", "");
	finds("*.c", "sub/*.c");
	assert_int_equal(fchdir(before), 0);
	close(before);
}

static void test_a_symlink_leads_there(void **state)
{
	(void)state;
	add();
	assert_int_equal(symlink(mountpoint, trees_path(directory, "link")), 0);
	finds(trees_path(directory, "link/sub"), "sub");
	finds(trees_path(directory, "link/x*"), "x*");
}

static void test_options_are_those_of_the_mount(void **state)
{
	struct reader_options found;
	struct mount_record m;
	char key[PUBLIC_KEY_TEXT_SIZE], *below, *cache;

	(void)state;
	options.cache = trees_path(directory, "cache");
	options.credentials.cacert = strdup("/a/ca.pem");
	options.credentials.proxy = strdup("http://proxy:1");
	options.credentials.netrc = true;
	add();
	assert_int_equal(mounts_find(mountpoint, &m, &below), 0);
	reader_options_init(&found);
	mounts_options(&m, &found);
	public_key_to_text(&dataset.key, key);
	cache = realpath(trees_path(directory, "cache"), NULL);
	assert_string_equal(found.dataset.url, "https://a/b");
	assert_string_equal(found.dataset.trust, key);
	assert_int_equal(found.dataset.revision, 42);
	assert_string_equal(found.cache, cache);
	assert_string_equal(found.credentials.cacert, "/a/ca.pem");
	assert_string_equal(found.credentials.proxy, "http://proxy:1");
	assert_null(found.credentials.client_cert);
	assert_true(found.credentials.netrc);
	assert_int_equal(m.pid, getpid());
	reader_options_release(&found);
	mount_record_release(&m);
	free(below);
	free(cache);
}

/* What is given beside the mount point is not for nothing. */
static void test_options_that_are_given_stay(void **state)
{
	struct reader_options found;
	struct mount_record m;
	char *below;

	(void)state;
	options.cache = trees_path(directory, "cache");
	options.credentials.cacert = strdup("/a/ca.pem");
	options.credentials.client_cert = strdup("/a/cert.pem");
	options.credentials.client_key = strdup("/a/key.pem");
	options.credentials.proxy = strdup("http://proxy:1");
	add();
	assert_int_equal(mounts_find(mountpoint, &m, &below), 0);
	reader_options_init(&found);
	found.cache = "/b/cache";
	found.dataset.tag = "tag";
	found.credentials.cacert = strdup("/b/ca.pem");
	found.credentials.client_cert = strdup("/b/both.pem");
	found.credentials.netrc = true;
	mounts_options(&m, &found);
	assert_string_equal(found.dataset.url, "https://a/b");
	assert_string_equal(found.cache, "/b/cache");
	assert_int_equal(found.dataset.revision, 0);
	assert_string_equal(found.credentials.cacert, "/b/ca.pem");
	assert_string_equal(found.credentials.client_cert, "/b/both.pem");
	assert_null(found.credentials.client_key);
	assert_string_equal(found.credentials.proxy, "http://proxy:1");
	assert_true(found.credentials.netrc);
	reader_options_release(&found);
	mount_record_release(&m);
	free(below);
}

/* Of mounts in mounts it is the innermost. */
static void test_mounts_may_be_nested(void **state)
{
	char outer[600], *below;
	struct mount_record m;

	(void)state;
	strcpy(outer, mountpoint);
	add();
	strcat(mountpoint, "/sub");
	add();
	finds(mountpoint, "");
	finds(trees_path(mountpoint, "x*"), "x*");
	assert_int_equal(mounts_find(trees_path(outer, "x"), &m, &below), 0);
	assert_string_equal(m.mountpoint, outer);
	mount_record_release(&m);
	free(below);
	mounts_remove(outer);
}

/* A mount that was killed is forgotten. */
static void test_the_dead_are_ignored(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	add();
	mounts_remove(mountpoint);
	pid = fork();
	if (pid == 0)
		_exit(mounts_add(mountpoint, &options, &reader,
			      reader.dataset->manifest->revision, &t)
				? 1
				: 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	finds_nothing(mountpoint);
	finds_nothing(mountpoint);
}

/* Another process that mounts there too, and stays. */
static pid_t add_elsewhere(void)
{
	int ends[2];
	char word;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		add();
		(void)!write(ends[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], &word, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void is_noted_for(pid_t pid, uint64_t revision)
{
	struct mount_record m;
	char *below;

	assert_int_equal(mounts_find(mountpoint, &m, &below), 0);
	assert_int_equal(m.pid, pid);
	assert_int_equal(m.revision, revision);
	free(below);
	mount_record_release(&m);
}

/* A mount that was let go of lazily lives on, while another is on its place. */
static void test_another_mount_keeps_its_note(void **state)
{
	char *socket = mounts_socket(mountpoint);
	pid_t other;

	(void)state;
	add();
	assert_int_equal(mounts_renew(mountpoint, &options, &reader, 43, &t), 0);
	is_noted_for(getpid(), 43);
	other = add_elsewhere();
	is_noted_for(other, 42);
	assert_int_equal(mounts_renew(mountpoint, &options, &reader, 44, &t), 0);
	mounts_remove(mountpoint);
	is_noted_for(other, 42);
	/* Killed, it leaves a socket. */
	assert_int_equal(mknod(socket, S_IFSOCK | 0600, 0), 0);
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
	finds_nothing(mountpoint);
	assert_int_equal(access(socket, F_OK), -1);
	free(socket);
}

static int write_record(const char *name, const char *text)
{
	char path[700];
	FILE *f;

	if (geteuid() == 0)
		snprintf(path, sizeof path, "/run/cairn/%s", name);
	else
		snprintf(path, sizeof path, "%s/cairn/%s", directory, name);
	f = text ? fopen(path, "w") : NULL;
	if (!text)
		return unlink(path);
	return !f || fputs(text, f) < 0 || fclose(f);
}

static void test_other_files_do_no_harm(void **state)
{
	static const char *const texts[] = {"", "{", "[]", "{}",
		"{\"mountpoint\":7,\"pid\":-1}",
		"{\"mountpoint\":\"/\",\"pid\":99999999999999,\"url\":[]}"};
	char name[64];

	(void)state;
	add();
	snprintf(name, sizeof name, "test-%d.json", (int)getpid());
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(write_record(name, texts[i]), 0);
		finds(mountpoint, "");
		finds_nothing("/usr");
	}
	assert_int_equal(write_record(name, NULL), 0);
}

#define TEST(x) cmocka_unit_test_setup_teardown(x, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_finds_what_is_below),
		TEST(test_all_are_listed),
		TEST(test_relative_paths),
		TEST(test_a_symlink_leads_there),
		TEST(test_options_are_those_of_the_mount),
		TEST(test_options_that_are_given_stay),
		TEST(test_mounts_may_be_nested),
		TEST(test_the_dead_are_ignored),
		TEST(test_another_mount_keeps_its_note),
		TEST(test_other_files_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
