/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "publish/ignore.h"
#include "unit/trees.h"
#include "util/error.h"
#include "util/io.h"

#define DEPTH 4
#define PATHS_MAX 2000

static enum ignore_verdict judge(const struct ignore *g, const char *path)
{
	enum ignore_verdict inside = IGNORE_TAKE;
	char part[512];

	for (size_t i = 1; path[i] != '\0' && inside != IGNORE_LEAVE; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		inside = ignore_judge(g, part, true, inside);
		if (path[i + 1] == '\0')
			return inside;
	}
	return inside == IGNORE_LEAVE ? inside : ignore_judge(g, path, false, inside);
}

static void test_the_last_one_decides(void **state)
{
	struct ignore *g = ignore_new();

	(void)state;
	assert_int_equal(ignore_judge(NULL, "x", false, IGNORE_TAKE), IGNORE_TAKE);
	assert_int_equal(judge(g, "x.o"), IGNORE_TAKE);
	assert_int_equal(ignore_exclude(g, "*.o"), 0);
	assert_int_equal(ignore_exclude(g, "!keep.o"), 0);
	assert_int_equal(ignore_exclude(g, "build/"), 0);
	assert_int_equal(judge(g, "x.o"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "a/keep.o"), IGNORE_TAKE);
	assert_int_equal(judge(g, "build/"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "build"), IGNORE_TAKE);
	/* what is in an excluded directory cannot be taken back */
	assert_int_equal(judge(g, "build/keep.o"), IGNORE_LEAVE);
	ignore_free(g);
}

static void test_lines(void **state)
{
	static const char lines[] = "\xef\xbb\xbf# a comment\n"
				    "\n"
				    "a  \n"
				    "b\\ \r\n"
				    "\\#c\n"
				    "[broken\n"
				    "last";
	struct ignore *g = ignore_new();

	(void)state;
	assert_int_equal(ignore_exclude_lines(g, span_of_string(lines)), 0);
	assert_int_equal(judge(g, "a"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "b "), IGNORE_LEAVE);
	assert_int_equal(judge(g, "b"), IGNORE_TAKE);
	assert_int_equal(judge(g, "#c"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "# a comment"), IGNORE_TAKE);
	assert_int_equal(judge(g, "last"), IGNORE_LEAVE);
	/* on a command line there are no comments, and what is broken is said */
	assert_int_equal(ignore_exclude(g, "#*#"), 0);
	assert_int_equal(judge(g, "#x#"), IGNORE_LEAVE);
	assert_int_equal(ignore_exclude(g, "[broken"), ERR_INVALID);
	assert_int_equal(ignore_exclude(g, ""), ERR_INVALID);
	ignore_free(g);
}

static void test_limits(void **state)
{
	char pattern[IGNORE_PATTERN_SIZE_MAX + 2];
	struct ignore *g = ignore_new();

	(void)state;
	memset(pattern, 'x', sizeof pattern);
	pattern[sizeof pattern - 1] = '\0';
	assert_int_equal(ignore_exclude(g, pattern), ERR_LIMIT);
	pattern[sizeof pattern - 2] = '\0';
	for (unsigned i = 0; i < IGNORE_PATTERNS_MAX; i++)
		assert_int_equal(ignore_exclude(g, "x"), 0);
	assert_int_equal(ignore_exclude(g, "x"), ERR_LIMIT);
	ignore_free(g);
}

static void test_include(void **state)
{
	struct ignore *g = ignore_new();

	(void)state;
	assert_int_equal(ignore_exclude(g, "build/"), 0);
	assert_int_equal(ignore_exclude(g, "*.o"), 0);
	assert_int_equal(ignore_include(g, "/build/keep/*.txt"), 0);
	assert_int_equal(ignore_include(g, "whole/"), 0);
	assert_int_equal(ignore_include(g, "vital.o"), 0);
	assert_int_equal(ignore_exclude(g, "whole/"), 0);
	/* it does not matter what was said last */
	assert_int_equal(judge(g, "whole/"), IGNORE_TAKE);
	assert_int_equal(judge(g, "whole/x"), IGNORE_TAKE);
	assert_int_equal(judge(g, "whole/x.o"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "a/vital.o"), IGNORE_TAKE);
	/* what leads there, and nothing else */
	assert_int_equal(judge(g, "build/"), IGNORE_PASS);
	assert_int_equal(judge(g, "build/x"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "build/other/"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "build/keep/"), IGNORE_PASS);
	assert_int_equal(judge(g, "build/keep/a.txt"), IGNORE_TAKE);
	assert_int_equal(judge(g, "build/keep/a.c"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "build/keep/sub/"), IGNORE_LEAVE);
	/* a name without a path leads nowhere, but is taken where one comes by */
	assert_int_equal(judge(g, "a/build/"), IGNORE_LEAVE);
	assert_int_equal(judge(g, "build/keep/vital.o"), IGNORE_TAKE);
	ignore_free(g);
}

/* ---- the same as git, for whatever patterns and names */

struct names {
	char *paths[PATHS_MAX]; /* directories end with a slash */
	unsigned count;
};

static const char *const parts[] = {"a", "b", "ab", "abc", "a.b", ".a", "x y", "b]", "a*",
	"!a", "#b", "\\", "a\\b", "-", "ba", "aab"};

static void add_names(struct names *n, const char *root, const char *below, unsigned depth,
	uint64_t *seed)
{
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		char path[256], name[300];

		if (trees_random(seed) % 2 || n->count == PATHS_MAX)
			continue;
		snprintf(path, sizeof path, "%s%s", below, parts[i]);
		snprintf(name, sizeof name, "%s/%s", root, path);
		if (depth < DEPTH && trees_random(seed) % 2) {
			assert_int_equal(mkdir(name, 0755), 0);
			strcat(path, "/");
			n->paths[n->count++] = strdup(path);
			add_names(n, root, path, depth + 1, seed);
		} else {
			close(open(name, O_CREAT | O_WRONLY, 0644));
			n->paths[n->count++] = strdup(path);
		}
	}
}

static void append_piece(char *pattern, uint64_t *seed)
{
	static const char *const pieces[] = {"a", "b", "ab", ".", "*", "**", "?", "/", "/",
		"/**/", "**/", "[ab]", "[!a]", "[a-b]", "[]b]", "\\*", "\\a", "\\\\", " ",
		"[[:alpha:]]", "*b", "a*", "!", "#", "-", "x y", "\\ ", "[^b]", "[b-]"};

	strcat(pattern, pieces[trees_random(seed) % (sizeof pieces / sizeof pieces[0])]);
}

/* git takes two asterisks behind plain text for a directory, which its manual says they are
 * not ("a**" before a slash): there it is the manual that is followed. */
static bool is_in_doubt(const char *pattern)
{
	for (const char *p = pattern; (p = strstr(p, "**")); p += strspn(p, "*")) {
		const char *end = p + strspn(p, "*");

		if (p > pattern && p[-1] != '/' && (*end == '/' || *end == '\\'))
			return true;
		if (p > pattern && p[-1] != '/' && (*end == '\0' || *end == '\n'))
			return true;
		if (end - p > 2)
			return true;
	}
	return strstr(pattern, "//") != NULL;
}

static void make_patterns(char *text, uint64_t *seed)
{
	unsigned count = 1 + (unsigned)(trees_random(seed) % 4);

	text[0] = '\0';
	while (count > 0) {
		char pattern[128] = "";
		unsigned pieces = 1 + (unsigned)(trees_random(seed) % 5);

		if (trees_random(seed) % 5 == 0)
			strcat(pattern, "!");
		while (pieces-- > 0)
			append_piece(pattern, seed);
		if (is_in_doubt(pattern))
			continue;
		strcat(text, pattern);
		strcat(text, "\n");
		count--;
	}
}

/* What git says of all names: a byte each, whether it is ignored. */
static void ask_git(
	const struct names *n, const char *root, const char *patterns, char *ignored)
{
	char command[1024], line[1024];
	FILE *answers;
	unsigned at = 0;

	trees_text(root, ".git/info/exclude", patterns);
	snprintf(command, sizeof command,
		"cd %s && git check-ignore --no-index --stdin -z -v -n <../names | tr "
		"'\\0' "
		"'\\n'",
		root);
	answers = popen(command, "r");
	assert_non_null(answers);
	/* each: source, line, pattern, path; the first three are empty when none matches */
	while (at < n->count) {
		char pattern[1024];

		assert_non_null(fgets(line, sizeof line, answers));
		assert_non_null(fgets(line, sizeof line, answers));
		assert_non_null(fgets(pattern, sizeof pattern, answers));
		assert_non_null(fgets(line, sizeof line, answers));
		ignored[at++] = pattern[0] != '\n' && pattern[0] != '!';
	}
	pclose(answers);
}

static void write_names(const struct names *n, const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (unsigned i = 0; i < n->count; i++) {
		size_t size = strlen(n->paths[i]);

		/* git looks itself whether it is a directory */
		fwrite(n->paths[i], n->paths[i][size - 1] == '/' ? size - 1 : size, 1, f);
		fputc('\0', f);
	}
	fclose(f);
}

static void compare_with_git(const struct names *n, const char *root, const char *patterns)
{
	static char ignored[PATHS_MAX];
	struct ignore *g = ignore_new();

	assert_int_equal(ignore_exclude_lines(g, span_of_string(patterns)), 0);
	ask_git(n, root, patterns, ignored);
	for (unsigned i = 0; i < n->count; i++)
		if ((judge(g, n->paths[i]) == IGNORE_LEAVE) != ignored[i])
			fail_msg("git %s '%s' by\n%s",
				ignored[i] ? "ignores" : "does not ignore", n->paths[i],
				patterns);
	ignore_free(g);
}

static void test_the_same_as_git(void **state)
{
	char *directory = trees_new(), root[256], names[256], patterns[1024];
	unsigned sets = getenv("CAIRN_LONG") ? 3000 : 60;
	static struct names n;
	uint64_t seed = 7;
	char command[1024];

	(void)state;
	snprintf(root, sizeof root, "%s/tree", directory);
	snprintf(names, sizeof names, "%s/names", directory);
	snprintf(command, sizeof command,
		"git init -q %s >/dev/null 2>&1 && mkdir -p %s/.git/info", root, root);
	if (system(command) != 0) {
		trees_remove(directory);
		skip();
	}
	add_names(&n, root, "", 1, &seed);
	assert_true(n.count > 100);
	write_names(&n, names);
	for (unsigned i = 0; i < sets; i++) {
		make_patterns(patterns, &seed);
		compare_with_git(&n, root, patterns);
	}
	for (unsigned i = 0; i < n.count; i++)
		free(n.paths[i]);
	trees_remove(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_one_decides),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_the_same_as_git),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
