/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "cli/entry_text.h"
#include "cli/json_output.h"
#include "cli/progress.h"
#include "cli/publish_changes.h"
#include "format/json_byte_string.h"
#include "util/error.h"

static int changes_print_line(const struct change *change, const char *path)
{
	unsigned parts = change->parts;
	const char *part, *before = "  (";

	printf("%-10s  ", change_kind_text(change->kind));
	put_name(stdout, span_of_string(*path ? path : "."));
	while ((part = change_part_text(&parts))) {
		printf("%s%s", before, part);
		before = ", ";
	}
	printf("%s\n", change->parts ? ")" : "");
	return 0;
}

static int changes_print_json(const struct change *change, const char *path)
{
	unsigned parts = change->parts;
	json_t *list = json_array();
	const char *part;

	while (list && (part = change_part_text(&parts)))
		json_array_append_new(list, json_string(part));
	return json_output(
		json_pack("{s:s, s:o, s:o}", "kind", change_kind_text(change->kind), "path",
			json_byte_string(span_of_string(path)), "parts", list),
		JSON_COMPACT);
}

int publish_changes_tell(void *ctx, const struct entry *before, const struct entry *after)
{
	struct publish_changes *c = ctx;
	struct change change = change_of(before, after);
	char *path;
	int rc;

	c->counts[change.kind]++;
	if (!c->names && !c->json)
		return 0;
	path = entry_path_text(after ? after : before);
	if (!path)
		return ERR_NO_MEMORY;
	progress_hide();
	rc = c->json ? changes_print_json(&change, path)
		     : changes_print_line(&change, path);
	free(path);
	return rc;
}

void publish_changes_print(const struct publish_changes *c)
{
	const char *before = "";

	for (unsigned i = 0; i < CHANGE_KINDS; i++) {
		if (c->counts[i] == 0)
			continue;
		printf("%s%llu %s", before, (unsigned long long)c->counts[i],
			change_kind_text((enum change_kind)i));
		before = ", ";
	}
	if (*before == '\0')
		printf("no name changed");
}

json_t *publish_changes_json(const struct publish_changes *c)
{
	json_t *o = json_object();

	for (unsigned i = 0; o && i < CHANGE_KINDS; i++)
		json_object_set_new(o, change_kind_text((enum change_kind)i),
			json_output_number(c->counts[i]));
	return o;
}
