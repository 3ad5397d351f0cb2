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

#include "cli/status_table.h"

#define MOUNTS 4

struct fixture {
	struct mount_record mounts[MOUNTS];
	struct status_answer answers[MOUNTS];
};

static json_t *parse(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

/* One that is well, one without a server, one behind, and one that hangs. */
static void setup(struct fixture *f)
{
	static const char *const replies[MOUNTS] = {
		"{\"dataset\": \"numbers\", \"revision\": 7, \"newest_known\": 7, "
		"\"uptime_seconds\": 61, \"requests\": {\"count\": 4, \"waited\": 1}, "
		"\"wire\": {\"bytes\": 2048}, \"mirrors\": [{\"health\": \"well\"}]}",
		"{\"dataset\": \"a\\u001bb\", \"mirrors\": [{\"health\": "
		"\"unreachable\"}], \"requests\": {\"parked\": 3}}",
		"{\"revision\": 1, \"newest_known\": 2, \"mirrors\": [{\"health\": "
		"\"unreachable\"}, {\"health\": \"slow\"}]}",
		NULL,
	};
	static char *const points[MOUNTS] = {"/a", "/b\033[2J", "/c", "/d"};

	memset(f, 0, sizeof *f);
	for (int i = 0; i < MOUNTS; i++) {
		f->mounts[i] = (struct mount_record){.mountpoint = points[i],
			.url = (char *)"https://h",
			.revision = 5,
			.pid = 123};
		f->answers[i].mount = &f->mounts[i];
		f->answers[i].reply = replies[i] ? parse(replies[i]) : NULL;
	}
	trouble_set(&f->answers[3].trouble, ERR_TIMEOUT, "it does not answer");
}

/* Heap. */
static char *table_of(const struct fixture *f)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(status_table(out, f->answers, MOUNTS), 0);
	fclose(out);
	return text;
}

static void a_line_for_each(void **state)
{
	struct fixture f;
	char *text;

	(void)state;
	setup(&f);
	text = table_of(&f);
	assert_string_equal(text,
		"MOUNT   DATASET  REVISION  UP     REQUESTS  AT ONCE  WIRE     STATE\n"
		"/a      numbers  7         1 min  4         75.0%    2.0 KiB  well\n"
		"/b?[2J  a?b      -         0 s    0         -        0 B      server "
		"unreachable, 3 wait\n"
		"/c      ?        1         0 s    0         -        0 B      not the "
		"newest\n"
		"/d      -        5         -      -         -        -        HANGS: its "
		"process 123 does not answer\n");
	free(text);
	status_answers_release(f.answers, MOUNTS);
}

static void users_are_told_where_there_are_several(void **state)
{
	struct fixture f;
	char *text;

	(void)state;
	setup(&f);
	f.mounts[1].owner = 4000000001u;
	text = table_of(&f);
	assert_non_null(strstr(text, "MOUNT   USER        DATASET"));
	assert_non_null(strstr(text, "  4000000001  a?b"));
	free(text);
	status_answers_release(f.answers, MOUNTS);
}

static void programs_learn_who_hangs(void **state)
{
	struct fixture f;
	json_t *list, *o;

	(void)state;
	setup(&f);
	list = status_table_json(f.answers, MOUNTS);
	assert_int_equal(json_array_size(list), MOUNTS);
	o = json_array_get(list, 0);
	assert_int_equal(json_integer_value(json_object_get(o, "revision")), 7);
	assert_null(json_object_get(o, "error"));
	o = json_array_get(list, 3);
	assert_true(json_is_true(json_object_get(o, "hangs")));
	assert_string_equal(
		json_string_value(json_object_get(o, "error")), "it does not answer");
	assert_string_equal(json_string_value(json_object_get(o, "mountpoint")), "/d");
	json_decref(list);
	status_answers_release(f.answers, MOUNTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_for_each),
		cmocka_unit_test(users_are_told_where_there_are_several),
		cmocka_unit_test(programs_learn_who_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
