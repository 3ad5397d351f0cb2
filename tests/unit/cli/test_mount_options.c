/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/mount_options.h"
#include "util/clock.h"

static char text[512]; /* options borrow from it */

static int words(struct mount_request *m, const char *options)
{
	mount_request_init(m);
	snprintf(text, sizeof text, "%s", options);
	return mount_request_words(m, text);
}

static void what_fstab_passes_is_taken(void **state)
{
	struct mount_request m;

	(void)state;
	assert_int_equal(
		words(&m, "ro,noauto,user,_netdev,nofail,x-systemd.automount,defaults,"
			  "nosuid,nodev,relatime,,comment=x"),
		0);
	assert_int_equal(mount_request_finish(&m), 0);
	assert_string_equal(m.session.fuse_options, "");
	assert_false(m.session.allow_other);
	mount_request_release(&m);
}

static void values_reach_the_request(void **state)
{
	struct mount_request m;

	(void)state;
	assert_int_equal(words(&m, "allow_other,nonempty,memory=32M,readahead=16M,quota=1G,"
				   "floor=2G,timeout=7,cache=/c,revision=3,netrc,"
				   "verify=open,scrub=30,metrics=[::1]:9100,revisions,"
				   "xattrs,profile=auto"),
		0);
	assert_int_equal(mount_request_finish(&m), 0);
	assert_true(m.session.allow_other);
	assert_true(m.session.nonempty);
	assert_int_equal(m.reader.verify, CACHE_VERIFY_OPEN);
	assert_int_equal(m.reader.scrub, 30 * 86400);
	assert_true(m.revisions);
	assert_true(m.session.xattrs);
	assert_true(m.profile && !m.profile_file);
	assert_string_equal(m.metrics, "[::1]:9100");
	assert_int_equal(m.reader.memory, 32 << 20);
	assert_int_equal(m.session.readahead, 16 << 20);
	assert_true(m.reader.set_quota);
	assert_true(m.reader.set_floor);
	assert_int_equal(m.reader.quota, UINT64_C(1) << 30);
	assert_int_equal(m.reader.floor, UINT64_C(2) << 30);
	assert_int_equal(m.session.deadline_ns, 7 * NS_PER_SECOND);
	assert_string_equal(m.reader.cache, "/c");
	assert_int_equal(m.reader.dataset.revision, 3);
	assert_true(m.reader.credentials.netrc);
	mount_request_release(&m);
}

static void metrics_go_to_a_file_too(void **state)
{
	struct mount_request m;

	(void)state;
	assert_int_equal(words(&m, "metrics=/run/cairn.prom"), 0);
	assert_string_equal(m.metrics, "/run/cairn.prom");
	mount_request_release(&m);
}

static void some_are_handed_on(void **state)
{
	struct mount_request m;

	(void)state;
	assert_int_equal(words(&m, "noexec,allow_other,noatime"), 0);
	assert_int_equal(mount_request_finish(&m), 0);
	assert_string_equal(m.session.fuse_options, "noexec,noatime");
	mount_request_release(&m);
}

static void nonsense_is_refused(void **state)
{
	static const char *const wrong[] = {"rw", "what", "memory", "memory=x",
		"memory=", "timeout=0", "timeout=x", "revision=0", "cache", "metrics",
		"metrics=", "metrics=localhost", "metrics=:0", "metrics=a:70000",
		"metrics=x.prom", "metrics=/run/", "cache=", "verify", "verify=always",
		"scrub", "scrub=0", "scrub=4000", "scrub=x", "profile", "profile=on",
		"profile=a/b", "allow_othe", "allow_other=no", "nonempty=0", "xattrs=1",
		"debug=0", "offline=no", "netrc=", "readahead=0", "memory=0", "fsname=x",
		"subtype=x", "allow_other,rw"};
	struct mount_request m;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		assert_int_equal(words(&m, wrong[i]), EXIT_USE);
		mount_request_release(&m);
	}
}

static void only_root_gets_devices(void **state)
{
	struct mount_request m;

	(void)state;
	assert_int_equal(words(&m, "suid,dev"), geteuid() == 0 ? 0 : EXIT_USE);
	mount_request_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_fstab_passes_is_taken),
		cmocka_unit_test(values_reach_the_request),
		cmocka_unit_test(metrics_go_to_a_file_too),
		cmocka_unit_test(some_are_handed_on),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(only_root_gets_devices),
	};

	/* The sentences for the user are not for this test's reader. */
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
