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

#include "cli/duration.h"
#include "cli/json_output.h"
#include "cli/status_reply.h"
#include "cli/status_text.h"
#include "util/clock.h"

static json_t *parse(const char *text)
{
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	return o;
}

/* Heap. */
static char *text_of(const char *reply, const char *before)
{
	json_t *now = parse(reply), *then = before ? parse(before) : NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	status_text(out, now, then, 2 * NS_PER_SECOND);
	fclose(out);
	json_decref(now);
	json_decref(then);
	return text;
}

static void has(const char *reply, const char *before, const char *want)
{
	char *text = text_of(reply, before);

	if (!strstr(text, want))
		fail_msg("no '%s' in:\n%s", want, text);
	free(text);
}

static void figures_stand_in_their_lines(void **state)
{
	(void)state;
	has("{\"revision\": 7, \"newest_known\": 9, \"age_seconds\": 90061}", NULL,
		"revision   7, published 1 d 1 h ago");
	has("{\"revision\": 7, \"newest_known\": 9}", NULL,
		"newest     9 is known, and not shown\n");
	has("{\"revision\": 7, \"newest_known\": 7}", NULL, "it is the newest");
	has("{\"tag\": \"stable\"}", NULL, "\ntag        stable\n");
	has("{\"requests\": {\"count\": 200, \"waited\": 1, \"failed\": 2, \"parked\": 3}}",
		NULL, "200, 99.5% answered at once; 2 failed; 3 wait now\n");
	has("{\"cache\": {\"resident\": 2048, \"quota\": 0}}", NULL,
		"2.0 KiB of contents, 0 B of metadata; quota none;");
	has("{\"operations\": {\"read\": {\"count\": 4, \"waited\": 4, \"p50_ns\": 1500}}}",
		NULL, "read                 4     0.0%       0   1.5 us");
	has("{\"mirrors\": [{\"url\": \"https://a\", \"health\": \"well\"}, {\"url\": "
	    "\"https://b\", \"health\": \"unreachable\", \"spared_ns\": 1500000000}]}",
		NULL, "https://b: unreachable, spared for another 1.5 s\n");
}

static void a_second_look_tells_rates(void **state)
{
	static const char before[] = "{\"requests\": {\"count\": 100}, \"wire\": "
				     "{\"bytes\": 0}, \"answered_bytes\": {\"cache\": 0}}";
	static const char now[] =
		"{\"requests\": {\"count\": 300}, \"wire\": {\"bytes\": 4096}, "
		"\"answered_bytes\": {\"cache\": 2048, \"pages\": 2048}}";

	(void)state;
	has(now, before, "100 requests/s, 2.0 KiB/s answered, 2.0 KiB/s from the wire\n");
	/* Another process is there by now. */
	has(before, now, "0 requests/s, 0 B/s answered, 0 B/s from the wire\n");
}

/* Whatever another program says. */
static void nonsense_is_no_trouble(void **state)
{
	static const char *const replies[] = {
		"{}",
		"{\"url\": 5, \"requests\": [], \"operations\": {\"x\": 3}, \"mirrors\": "
		"{}}",
		"{\"revision\": -5, \"age_seconds\": \"x\", \"wire\": {\"bytes\": 1.5}}",
		"{\"follow\": {\"follows\": true, \"looked\": {}, \"trouble\": 1}}",
		"{\"open\": {\"mode\": null}, \"cache\": {\"quota\": "
		"\"18446744073709551615\"}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
		free(text_of(replies[i], replies[i]));
	has("{\"url\": \"https://a/\\u001b[31m\"}", NULL, "url        https://a/?[31m\n");
	has("{\"url\": {\"base64\": \"/w==\"}}", NULL, "url        ?\n");
	has("{\"operations\": {\"\\u001b[31mof a long name\": {\"count\": 4}}}", NULL,
		"\n?[31mof a lo         4 ");
}

static void numbers_are_read_as_they_are_written(void **state)
{
	static const uint64_t numbers[] = {
		0, 1, UINT64_C(1) << 53, (UINT64_C(1) << 53) + 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		json_t *o = json_pack("{s:o}", "n", json_output_number(numbers[i]));

		assert_true(reply_number(o, "n", NULL) == numbers[i]);
		assert_int_equal(json_is_string(json_object_get(o, "n")),
			numbers[i] > UINT64_C(1) << 53);
		json_decref(o);
	}
}

static void durations_are_short(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},
		{999, "999 ns"},
		{1024, "1.0 us"},
		{99400, "99 us"},
		{999600, "1.0 ms"},
		{1500000000, "1.5 s"},
		{59900000000, "60 s"},
		{UINT64_C(3600000000000), "1 h 0 min"},
	};
	char text[DURATION_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(duration_text(cases[i].ns, text), cases[i].text);
	assert_string_equal(duration_seconds_text(185, text), "3 min");
	assert_string_equal(duration_text(UINT64_MAX, text), "213503 d 23 h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_stand_in_their_lines),
		cmocka_unit_test(a_second_look_tells_rates),
		cmocka_unit_test(nonsense_is_no_trouble),
		cmocka_unit_test(numbers_are_read_as_they_are_written),
		cmocka_unit_test(durations_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
