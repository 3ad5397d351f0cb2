/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/report_map.h"
#include "cli/report_page.h"
#include "cli/survey_json.h"

#define NOW INT64_C(1795000000)
#define DAY INT64_C(86400)
#define EVIL "</title><script>alert(1)</script>\"'><img src=x onerror=y>&\x1b[31m\xff"

static struct survey survey;
static struct html html;

static void add(struct size_tree *t, const char *parent, const char *name, uint64_t bytes,
	uint64_t resident, int64_t days)
{
	const struct size_sums sums = {bytes, resident, 1, NOW - days * DAY};

	assert_int_equal(
		size_tree_add(t, span_of_string(parent), span_of_string(name), &sums), 0);
}

static struct survey_file file(const char *path)
{
	return (struct survey_file){strdup(path), 0, 3 << 20, 1 << 20, NOW - 9 * DAY, true};
}

static int set_up(void **state)
{
	struct survey_dataset *d;

	(void)state;
	memset(&survey, 0, sizeof survey);
	survey.info = (struct cache_info){.quota = 10 << 20, .resident = 5 << 20};
	survey.datasets = calloc(1, sizeof *survey.datasets);
	survey.dataset_count = 1;
	d = survey.datasets;
	*d = (struct survey_dataset){
		.name = strdup(EVIL), .url = strdup("https://" EVIL), .revision = 3};
	d->tree = size_tree_new();
	add(d->tree, "", EVIL, 3 << 20, 1 << 20, 9);
	add(d->tree, EVIL, EVIL, 2 << 20, 2 << 20, 0);
	add(d->tree, EVIL "/b", "c", 1 << 20, 0, 400);
	assert_int_equal(size_tree_finish(d->tree, 100, &d->root), 0);
	d->sums = d->root->sums;
	survey.largest.files[survey.largest.count++] = file(EVIL);
	survey.oldest.files[survey.oldest.count++] = file(EVIL);
	survey.pins[survey.pin_count++] = (struct survey_pin){strdup(EVIL), 1};
	html = (struct html){.rc = 0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	survey_release(&survey);
	bytes_release(&html.text);
	return 0;
}

static const char *page(void)
{
	report_page(&html, &survey, "/home/" EVIL, NOW);
	html_put(&html, "");
	assert_int_equal(html.rc, 0);
	assert_int_equal(bytes_append(&html.text, "", 1), 0);
	return (const char *)html.text.data;
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* No name becomes a tag, an attribute, an entity, or what steers a terminal. */
static void test_names_are_names(void **state)
{
	const char *text = page();

	(void)state;
	assert_int_equal(count(text, "<script"), 0);
	assert_int_equal(count(text, "<img"), 0);
	assert_int_equal(count(text, "\x1b"), 0);
	assert_int_equal(count(text, "\xff"), 0);
	assert_int_equal(count(text, "<title>"), count(text, "</title>"));
	assert_true(count(text, "&lt;script&gt;alert(1)") > 6);
}

static void test_needs_nothing_else(void **state)
{
	const char *text = page();

	(void)state;
	assert_int_equal(count(text, "default-src 'none'; style-src 'sha256-"), 1);
	assert_int_equal(count(text, "src=\""), 0);
	assert_int_equal(count(text, "href"), 0);
	assert_int_equal(count(text, "url("), 0);
	assert_int_equal(count(text, "style="), 0);
	assert_int_equal(count(text, "@import"), 0);
	assert_int_equal(count(text, "<svg"), count(text, "</svg>"));
	assert_int_equal(count(text, "<g"), count(text, "</g>"));
}

/* A share of the height is filled, in the colour of its age. */
static void test_boxes_are_filled(void **state)
{
	struct size_tree *t = size_tree_new();
	const struct size_node *root;

	(void)state;
	add(t, "", "half", 4 << 20, 2 << 20, 40);
	assert_int_equal(size_tree_finish(t, 9, &root), 0);
	report_map(&html, root, NOW);
	assert_int_equal(bytes_append(&html.text, "", 1), 0);
	assert_non_null(strstr((char *)html.text.data, "class=\"c a3\""));
	assert_non_null(strstr((char *)html.text.data,
		"<rect class=\"f\" y=\"229.2\" width=\"100%\" height=\"229.2\""));
	size_tree_free(t);
	assert_int_equal(report_age(NOW, NOW), 0);
	assert_int_equal(report_age(NOW + DAY, NOW), 0);
	assert_int_equal(report_age(NOW - DAY, NOW), 1);
	assert_int_equal(report_age(NOW - 400 * DAY, NOW), 4);
}

static void test_json_has_the_same(void **state)
{
	json_t *o = survey_json(&survey);

	(void)state;
	assert_non_null(o);
	assert_int_equal(json_array_size(json_object_get(o, "datasets")), 1);
	assert_int_equal(json_array_size(json_object_get(o, "largest")), 1);
	assert_int_equal(json_array_size(json_object_get(o, "pins")), 1);
	json_decref(o);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_names_are_names),
		TEST(test_needs_nothing_else),
		TEST(test_boxes_are_filled),
		TEST(test_json_has_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
