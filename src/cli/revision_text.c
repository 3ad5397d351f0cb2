/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/revision_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_output.h"
#include "cli/size.h"
#include "util/clock.h"
#include "util/printable.h"

/* "a, b", with `before` in front when there is one. */
static void print_tags(const struct revisions *r, uint64_t revision, const char *before)
{
	for (size_t i = 0; i < r->tag_count; i++) {
		if (r->tags[i].revision != revision)
			continue;
		printf("%s%s", before, r->tags[i].name);
		before = ", ";
	}
}

/* Each line behind `margin`; an end of line at the end adds none. */
static void print_lines(const char *text, const char *margin)
{
	char *copy = strdup(text), *rest = copy, *line;

	while (copy && (line = strsep(&rest, "\n"))) {
		if (!*line && !rest)
			break;
		printable_clean(line);
		printf("%s%s\n", margin, line);
	}
	free(copy);
}

static void print_line(const char *label, const char *text)
{
	char *copy = strdup(text);

	if (copy)
		printable_clean(copy);
	printf("%s%s\n", label, copy ? copy : "");
	free(copy);
}

void revision_print_short(const struct revisions *r, const struct known_revision *k)
{
	const struct manifest *m = k->manifest;
	char created[CLOCK_TEXT_SIZE], bytes[SIZE_TEXT], stored[SIZE_TEXT];
	char key[KEY_NAME_SIZE];

	clock_format(m->created, created);
	public_key_name(&k->key, key);
	printf("revision %llu  %s", (unsigned long long)m->revision, created);
	print_tags(r, m->revision, "  tags: ");
	printf("\n    %llu entries, %llu files, %s (%s stored), key %s\n",
		(unsigned long long)m->totals.entries, (unsigned long long)m->totals.files,
		size_text(m->totals.bytes, bytes), size_text(m->totals.stored, stored),
		key);
	print_lines(m->message, "    ");
}

static void print_digest(const char *label, const struct digest *d)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(d, hex);
	printf("%s%s\n", label, hex);
}

static void print_totals(const struct totals *totals)
{
	char bytes[SIZE_TEXT], stored[SIZE_TEXT];

	printf(" entries: %llu (%llu with extended attributes, %llu with access control "
	       "lists)\n",
		(unsigned long long)totals->entries, (unsigned long long)totals->xattrs,
		(unsigned long long)totals->acls);
	printf("   files: %llu, %s (%llu bytes)\n", (unsigned long long)totals->files,
		size_text(totals->bytes, bytes), (unsigned long long)totals->bytes);
	printf(" objects: %llu\n  stored: %s (%llu bytes)\n",
		(unsigned long long)totals->objects, size_text(totals->stored, stored),
		(unsigned long long)totals->stored);
}

static void print_times(const struct manifest *m)
{
	char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE];
	bool is_past = m->expires && m->expires < clock_realtime() / NS_PER_SECOND;

	clock_format(m->created, created);
	clock_format(m->expires, expires);
	printf(" created: %s\n expires: %s%s\n", created, m->expires ? expires : "never",
		is_past ? " (it has expired)" : "");
}

static void print_names(const struct revisions *r, const struct known_revision *k)
{
	char key[PUBLIC_KEY_TEXT_SIZE];

	print_line(" dataset: ", k->manifest->name);
	printf("revision: %llu\n", (unsigned long long)k->manifest->revision);
	if (r->store) {
		printf("    tags: ");
		print_tags(r, k->manifest->revision, "");
		putchar('\n');
	}
	public_key_to_text(&k->key, key);
	printf("     key: %s\n", key);
}

void revision_print(const struct revisions *r, const struct known_revision *k)
{
	const struct manifest *m = k->manifest;

	print_names(r, k);
	print_times(m);
	print_totals(&m->totals);
	print_digest("    root: ", &m->root);
	print_digest("manifest: ", &m->digest);
	if (m->has_previous)
		print_digest("previous: ", &m->previous);
	if (m->profile_size)
		print_digest(" profile: ", &m->profile);
	printf("features: %s%s%s\n", m->delta ? "delta" : "",
		m->delta && m->extent_lists ? ", " : "", m->extent_lists ? "extents" : "");
	for (size_t i = 0; i < m->mirror_count; i++)
		print_line("  mirror: ", m->mirrors[i]);
	if (*m->message) {
		printf(" message:\n");
		print_lines(m->message, "    ");
	}
}

static json_t *tags_json(const struct revisions *r, uint64_t revision)
{
	json_t *tags = r->store ? json_array() : json_null();

	for (size_t i = 0; i < r->tag_count; i++)
		if (r->tags[i].revision == revision)
			json_array_append_new(tags, json_string(r->tags[i].name));
	return tags;
}

static json_t *revision_mirrors_json(const struct manifest *m)
{
	json_t *mirrors = json_array();

	for (size_t i = 0; i < m->mirror_count; i++)
		json_array_append_new(mirrors, json_string(m->mirrors[i]));
	return mirrors;
}

static json_t *digest_json(bool is_there, const struct digest *d)
{
	char hex[DIGEST_HEX_SIZE];

	digest_to_hex(d, hex);
	return is_there ? json_string(hex) : json_null();
}

static json_t *totals_json(const struct totals *t)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "entries",
		json_output_number(t->entries), "files", json_output_number(t->files),
		"bytes", json_output_number(t->bytes), "objects",
		json_output_number(t->objects), "stored", json_output_number(t->stored),
		"xattrs", json_output_number(t->xattrs), "acls",
		json_output_number(t->acls));
}

static json_t *features_json(const struct manifest *m)
{
	json_t *features = json_array();

	if (m->delta)
		json_array_append_new(features, json_string("delta"));
	if (m->extent_lists)
		json_array_append_new(features, json_string("extents"));
	return features;
}

json_t *revision_json(const struct revisions *r, const struct known_revision *k)
{
	const struct manifest *m = k->manifest;
	char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE], key[PUBLIC_KEY_TEXT_SIZE];

	clock_format(m->created, created);
	clock_format(m->expires, expires);
	public_key_to_text(&k->key, key);
	return json_pack(
		"{s:s, s:o, s:s, s:s?, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o}",
		"dataset", m->name, "revision", json_output_number(m->revision), "created",
		created, "expires", m->expires ? expires : NULL, "message", m->message,
		"key", key, "tags", tags_json(r, m->revision), "totals",
		totals_json(&m->totals), "root", digest_json(true, &m->root), "manifest",
		digest_json(true, &m->digest), "previous",
		digest_json(m->has_previous, &m->previous), "profile",
		digest_json(m->profile_size > 0, &m->profile), "features", features_json(m),
		"mirrors", revision_mirrors_json(m));
}
