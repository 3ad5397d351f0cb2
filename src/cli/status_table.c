/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/status_table.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "cli/duration.h"
#include "cli/json_output.h"
#include "cli/size.h"
#include "cli/status_reply.h"
#include "cli/status_text.h"
#include "format/json_byte_string.h"
#include "util/printable.h"

enum column {
	COLUMN_MOUNT,
	COLUMN_USER,
	COLUMN_DATASET,
	COLUMN_REVISION,
	COLUMN_UP,
	COLUMN_REQUESTS,
	COLUMN_SHARE,
	COLUMN_WIRE,
	COLUMN_STATE,
	COLUMNS
};
static const char *const titles[COLUMNS] = {"MOUNT", "USER", "DATASET", "REVISION", "UP",
	"REQUESTS", "AT ONCE", "WIRE", "STATE"};

/* The cells of a line are texts, one after another, each with its NUL. */
struct line {
	char *text; /* heap */
	const char *cells[COLUMNS];
};

static bool is_hung(const struct status_answer *a)
{
	return !a->reply && a->trouble.code == ERR_TIMEOUT;
}

static void put_user(FILE *out, uid_t owner)
{
	struct passwd *pw = getpwuid(owner);

	if (pw)
		fprintf(out, "%s", pw->pw_name);
	else
		fprintf(out, "%u", (unsigned)owner);
}

static bool all_are_out(const json_t *mirrors)
{
	size_t out = 0, i;
	const json_t *m;

	json_array_foreach(mirrors, i, m) out += reply_is(m, "health", NULL, "unreachable");
	return out && out == json_array_size(mirrors);
}

/* The worst of it, in a few words. */
static void put_state(FILE *out, const struct status_answer *a)
{
	uint64_t parked = reply_number(a->reply, "requests", "parked");

	if (is_hung(a))
		fprintf(out, "HANGS: its process %ld does not answer", (long)a->mount->pid);
	else if (!a->reply)
		fprintf(out, "%s", a->trouble.text);
	else if (all_are_out(json_object_get(a->reply, "mirrors")))
		fputs("server unreachable", out);
	else if (reply_number(a->reply, "newest_known", NULL) >
		 reply_number(a->reply, "revision", NULL))
		fputs("not the newest", out);
	else
		fputs("well", out);
	if (parked)
		fprintf(out, ", %" PRIu64 " wait", parked);
}

static void put_revision_shown(FILE *out, const struct status_answer *a)
{
	uint64_t revision = a->reply ? reply_number(a->reply, "revision", NULL)
				     : a->mount->revision;

	if (revision)
		fprintf(out, "%" PRIu64, revision);
	else
		putc('-', out);
}

static void put_cell(FILE *out, const struct status_answer *a, enum column column)
{
	uint64_t count = reply_number(a->reply, "requests", "count");
	char text[DURATION_TEXT + SIZE_TEXT + STATUS_SHARE_TEXT];

	if (column == COLUMN_MOUNT)
		fputs(a->mount->mountpoint, out);
	else if (column == COLUMN_USER)
		put_user(out, a->mount->owner);
	else if (column == COLUMN_REVISION)
		put_revision_shown(out, a);
	else if (column == COLUMN_STATE)
		put_state(out, a);
	else if (!a->reply)
		putc('-', out);
	else if (column == COLUMN_DATASET)
		reply_print(out, a->reply, "dataset", NULL);
	else if (column == COLUMN_UP)
		fputs(duration_seconds_text(
			      reply_number(a->reply, "uptime_seconds", NULL), text),
			out);
	else if (column == COLUMN_REQUESTS)
		fprintf(out, "%" PRIu64, count);
	else if (column == COLUMN_SHARE)
		fputs(status_share(
			      count, reply_number(a->reply, "requests", "waited"), text),
			out);
	else if (column == COLUMN_WIRE)
		fputs(size_text(reply_number(a->reply, "wire", "bytes"), text), out);
}

static int line_fill(struct line *l, const struct status_answer *a)
{
	size_t size = 0, starts[COLUMNS];
	FILE *out = open_memstream(&l->text, &size);

	if (!out)
		return ERR_NO_MEMORY;
	for (int i = 0; i < COLUMNS; i++) {
		fflush(out);
		starts[i] = size;
		put_cell(out, a, (enum column)i);
		putc('\0', out);
	}
	if (fclose(out)) {
		free(l->text);
		l->text = NULL;
		return ERR_NO_MEMORY;
	}
	for (int i = 0; i < COLUMNS; i++) {
		printable_clean(l->text + starts[i]);
		l->cells[i] = l->text + starts[i];
	}
	return 0;
}

static void line_print(FILE *out, const struct line *l, const int *widths)
{
	for (int i = 0; i < COLUMN_STATE; i++)
		if (widths[i])
			fprintf(out, "%-*s  ", widths[i], l->cells[i]);
	fprintf(out, "%s\n", l->cells[COLUMN_STATE]);
}

static void lines_print(FILE *out, const struct line *lines, size_t count, bool users)
{
	int widths[COLUMNS] = {0};

	for (size_t i = 0; i < count; i++)
		for (int j = 0; j < COLUMNS; j++)
			if ((int)strlen(lines[i].cells[j]) > widths[j])
				widths[j] = (int)strlen(lines[i].cells[j]);
	if (!users)
		widths[COLUMN_USER] = 0;
	for (size_t i = 0; i < count; i++)
		line_print(out, &lines[i], widths);
}

int status_table(FILE *out, const struct status_answer *answers, size_t count)
{
	struct line *lines = calloc(count + 1, sizeof *lines);
	bool users = false;
	int rc = lines ? 0 : ERR_NO_MEMORY;

	if (!rc)
		memcpy(lines[0].cells, titles, sizeof titles);
	for (size_t i = 0; i < count && !rc; i++) {
		users |= answers[i].mount->owner != answers[0].mount->owner;
		rc = line_fill(&lines[i + 1], &answers[i]);
	}
	if (!rc)
		lines_print(out, lines, count + 1, users);
	for (size_t i = 0; lines && i <= count; i++)
		free(lines[i].text);
	free(lines);
	return rc;
}

static json_t *silent_json(const struct status_answer *a)
{
	const struct mount_record *m = a->mount;

	return json_pack("{s:o,s:o,s:I,s:I,s:o,s:b}", "mountpoint",
		json_byte_string(span_of_string(m->mountpoint)), "url",
		json_byte_string(span_of_string(m->url)), "revision",
		(json_int_t)m->revision, "pid", (json_int_t)m->pid, "error",
		json_output_words(a->trouble.text), "hangs", is_hung(a));
}

json_t *status_table_json(const struct status_answer *answers, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *o = answers[i].reply ? json_incref(answers[i].reply)
					     : silent_json(&answers[i]);

		if (!o || json_array_append_new(list, o)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}
