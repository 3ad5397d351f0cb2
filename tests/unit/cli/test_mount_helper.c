/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/mount_helper.h"
#include "util/error.h"

/* Parses a command line that is cut at its spaces, and joins what came out. */
static int parse(const char *line, char out[256], bool *fake)
{
	static char text[256];
	char *argv[16] = {NULL}, *rest = text;
	struct mount_helper h;
	int argc = 0, rc;

	strcpy(text, line);
	while (argc < 15 && (argv[argc] = strsep(&rest, " ")))
		argc++;
	rc = mount_helper_parse(argv, &h);
	if (rc)
		return rc;
	out[0] = '\0';
	for (int i = 0; i < h.argc; i++)
		strcat(strcat(out, i ? " " : ""), h.argv[i]);
	assert_null(h.argv[h.argc]);
	*fake = h.fake;
	return 0;
}

static void becomes(const char *line, const char *want, bool want_fake)
{
	char out[256];
	bool fake;

	assert_int_equal(parse(line, out, &fake), 0);
	assert_string_equal(out, want);
	assert_int_equal(fake, want_fake);
}

static void test_knows_its_name(void **state)
{
	(void)state;
	assert_true(mount_helper_is("mount.cairn"));
	assert_true(mount_helper_is("/sbin/mount.cairn"));
	assert_false(mount_helper_is("cairn"));
	assert_false(mount_helper_is("/mount.cairn/cairn"));
	assert_false(mount_helper_is("mount.cairn.old"));
	assert_false(mount_helper_is(""));
}

static void test_passes_on(void **state)
{
	(void)state;
	becomes("mount.cairn https://a/b /mnt", "mount https://a/b /mnt", false);
	becomes("mount.cairn u /m -o rw", "mount u /m", false);
	becomes("mount.cairn u /m -o rw,allow_other", "mount u /m -o allow_other", false);
	becomes("mount.cairn u /m -o allow_other,rw", "mount u /m -o allow_other", false);
	becomes("mount.cairn u /m -o ro,rw,tag=x,rw,,rwx", "mount u /m -o ro,tag=x,rwx",
		false);
	becomes("mount.cairn u /m -o a", "mount u /m -o a", false);
	becomes("mount.cairn -v u -n -s /m -o a -t cairn", "mount u /m -o a -v", false);
	becomes("mount.cairn u /m -snf -N /proc/1/ns/mnt", "mount u /m", true);
	becomes("mount.cairn u /m -sfo a", "mount u /m -o a", true);
}

static void test_refuses_what_it_does_not_know(void **state)
{
	static const char *const bad[] = {"mount.cairn", "mount.cairn u",
		"mount.cairn u /m x", "mount.cairn u /m -o", "mount.cairn u /m -x",
		"mount.cairn u /m -oa", "mount.cairn u /m --help", "mount.cairn -o u /m",
		"mount.cairn u /m -o a -o b"};
	char out[256];
	bool fake;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(parse(bad[i], out, &fake), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knows_its_name),
		cmocka_unit_test(test_passes_on),
		cmocka_unit_test(test_refuses_what_it_does_not_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
