/* SPDX-License-Identifier: MIT */
/*
 * Disks that others have filled to the last byte: what is in the cache is read, nothing
 * more is kept, and what is wrong is said. Root's, on Linux.
 */
#include <config.h>

#include <fcntl.h>
#include <unistd.h>

#include "unit/await.h"
#include "unit/cache_samples.h"

struct disk {
	char *base;
	char cache[128];
};

static bool run(const struct disk *d, const char *script)
{
	char *command = NULL;
	bool done;

	assert_true(
		asprintf(&command,
			"{ PATH=$PATH:/usr/sbin:/sbin; cd '%s' && %s; } >/dev/null 2>&1",
			d->base, script) > 0);
	done = system(command) == 0; /* NOLINT */
	free(command);
	return done;
}

static int disk_setup(void **state, const char *script, const char *needs)
{
	struct disk *d = calloc(1, sizeof *d);

	d->base = sample_directory();
	snprintf(d->cache, sizeof d->cache, "%s/disk/cache", d->base);
	*state = d;
	if (geteuid() == 0 && run(d, "mkdir disk") && run(d, script))
		return 0;
	print_message("no disk to fill: needs root, %s\n", needs);
	run(d, "umount -l disk");
	sample_remove(d->base);
	free(d);
	*state = NULL;
	return 0;
}

static int setup_tmpfs(void **state)
{
	return disk_setup(state, "mount -t tmpfs -o size=8m tmpfs disk", "tmpfs");
}

static int setup_btrfs(void **state)
{
	return disk_setup(state,
		"truncate -s 128M image && mkfs.btrfs -q image && mount -o loop image disk",
		"loop devices, mkfs.btrfs");
}

static int teardown(void **state)
{
	struct disk *d = *state;

	if (!d)
		return 0;
	run(d, "umount -l disk");
	sample_remove(d->base);
	free(d);
	return 0;
}

/* Nothing is left, and what was written is on the disk: to be written anew from now on. */
static void fill(const struct disk *d)
{
	run(d, "sync -f disk; dd if=/dev/zero of=disk/fill bs=64k; sync -f disk; "
	       "dd if=/dev/zero of=disk/rest bs=4k; sync -f disk");
}

/* Or it was thrown out, to make room. */
static void assert_right(struct cache *c, const struct sample *s)
{
	int rc = sample_read(c, s);

	assert_true(rc == 0 || rc == ERR_PENDING);
}

/* NULL: the books need something for themselves. */
static struct cache *open_if_it_can(const char *directory)
{
	const struct cache_options options = {.directory = directory};
	struct cache *c = NULL;
	struct trouble t = {0};

	if (cache_open(&options, &c, &t)) {
		assert_int_equal(t.code, ERR_NO_SPACE);
		return NULL;
	}
	return c;
}

static void test_full(void **state)
{
	struct disk *d = *state;
	struct sample here, more;
	struct cache *c;
	int rc;

	if (!d)
		skip();
	here = sample_make(1, 8);
	more = sample_make(2, 8);
	c = sample_open(d->cache, 0);
	sample_put_all(c, &here);
	sample_put_on_disk(c, &here);
	fill(d);
	for (unsigned i = 0; i < 3 && c; i++) {
		assert_right(c, &here);
		rc = sample_put(c, &more, i);
		if (!rc)
			rc = cache_flush(c);
		assert_true(rc == 0 || rc == ERR_NO_SPACE);
		fill(d);
		assert_int_equal(metadata_state(c->metadata), METADATA_SOUND);
		cache_close(c);
		c = open_if_it_can(d->cache);
	}
	cache_close(c);
	run(d, "rm disk/fill disk/rest; sync -f disk");
	c = sample_open(d->cache, 0);
	assert_right(c, &here);
	sample_put_all(c, &more);
	assert_int_equal(cache_flush(c), 0);
	assert_int_equal(sample_read(c, &more), 0);
	cache_close(c);
	sample_release(&here);
	sample_release(&more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full, setup_tmpfs, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup_btrfs, teardown),
	};

	end_at_failure();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
