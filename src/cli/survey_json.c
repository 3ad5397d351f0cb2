/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/survey_json.h"

#include "cli/json_output.h"
#include "format/json_byte_string.h"

static json_t *bytes_of_string(const char *text)
{
	return json_byte_string(span_of_string(text));
}

static json_t *survey_dataset_json(const struct survey_dataset *d)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o*}", "name",
		bytes_of_string(d->name), "url", bytes_of_string(d->url), "revision",
		json_output_number(d->revision), "files", json_output_number(d->sums.files),
		"bytes", json_output_number(d->sums.bytes), "resident",
		json_output_number(d->sums.resident), "unlisted",
		json_output_number(d->gaps.entries), "unlisted_bytes",
		json_output_number(d->gaps.bytes), "trouble",
		d->trouble ? json_output_words(d->trouble) : NULL);
}

static json_t *survey_files_json(const struct survey *s, const struct survey_files *list)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct survey_file *f = &list->files[i];

		json_array_append_new(
			a, json_pack("{s:o,s:o,s:o,s:o,s:I,s:b}", "url",
				   bytes_of_string(s->datasets[f->dataset].url), "path",
				   bytes_of_string(f->path), "size",
				   json_output_number(f->size), "resident",
				   json_output_number(f->resident), "last_use",
				   (json_int_t)f->last_use, "pinned", f->pinned));
	}
	return a;
}

static json_t *survey_pins_json(const struct survey *s)
{
	json_t *a = json_array();

	for (size_t i = 0; i < s->pin_count; i++)
		json_array_append_new(
			a, json_pack("{s:o,s:o}", "pin", bytes_of_string(s->pins[i].name),
				   "objects", json_output_number(s->pins[i].objects)));
	return a;
}

json_t *survey_json(const struct survey *s)
{
	const struct cache_info *i = &s->info;
	json_t *datasets = json_array();

	for (size_t n = 0; n < s->dataset_count; n++)
		json_array_append_new(datasets, survey_dataset_json(&s->datasets[n]));
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "quota",
		json_output_number(i->quota), "floor", json_output_number(i->floor),
		"resident", json_output_number(i->resident), "pinned",
		json_output_number(i->pinned), "metadata", json_output_number(i->metadata),
		"disk_free", json_output_number(i->disk_free), "datasets", datasets,
		"largest", survey_files_json(s, &s->largest), "oldest",
		survey_files_json(s, &s->oldest), "pins", survey_pins_json(s));
}
