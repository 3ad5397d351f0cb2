/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/profile.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "format/json_byte_string.h"
#include "format/names.h"
#include "util/io.h"

void profile_release(struct profile *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->paths[i]);
	free(p->paths);
	*p = (struct profile){0};
}

static int profile_add(struct profile *p, const char *path)
{
	char **paths = p->paths;

	if ((p->count & (p->count - 1)) == 0)
		paths = realloc(p->paths, (p->count ? 2 * p->count : 1) * sizeof *paths);
	if (!paths)
		return ERR_NO_MEMORY;
	p->paths = paths;
	p->paths[p->count] = strdup(path);
	return p->paths[p->count++] ? 0 : ERR_NO_MEMORY;
}

/* `seen`: the paths so far, as keys. */
static int profile_line(struct profile *p, json_t *seen, struct span line)
{
	struct bytes name = {0};
	char *path = NULL;
	json_t *json;
	int rc = json_parse(line, &json, NULL);
	const json_t *value;

	if (rc)
		return rc;
	value = json_object_get(json, "path");
	if (value) /* else it is that something was lost */
		rc = json_byte_string_decode(value, PATH_SIZE_MAX, &name);
	if (!rc && name.size) {
		path = span_to_string(span_of_bytes(&name));
		if (!path || memchr(name.data, '\0', name.size))
			rc = path ? ERR_CORRUPT : ERR_NO_MEMORY;
		else if (!json_object_get(seen, path))
			rc = json_object_set_new_nocheck(seen, path, json_true())
				     ? ERR_NO_MEMORY
				     : profile_add(p, path);
	}
	free(path);
	bytes_release(&name);
	json_decref(json);
	return rc;
}

static int profile_parse(struct profile *p, struct span text)
{
	json_t *seen = json_object();
	int rc = seen ? 0 : ERR_NO_MEMORY;

	while (!rc && text.size) {
		const uint8_t *end = memchr(text.data, '\n', text.size);
		size_t size = end ? (size_t)(end - text.data) : text.size;

		if (size)
			rc = profile_line(p, seen, span_of(text.data, size));
		size += end != NULL;
		text = span_of(text.data + size, text.size - size);
	}
	json_decref(seen);
	return rc;
}

int profile_read(const char *file, struct profile *out, struct trouble *t)
{
	struct bytes text = {0};
	struct profile p = {0};
	int rc = io_read_file(AT_FDCWD, file, PROFILE_SIZE_MAX, &text);

	if (!rc)
		rc = profile_parse(&p, span_of_bytes(&text));
	bytes_release(&text);
	if (rc == ERR_CORRUPT)
		trouble_set(t, rc, "%s: it is not what cairn trace writes", file);
	else if (rc)
		trouble_set(t, rc, "%s: %s", file, error_text(rc));
	if (rc)
		profile_release(&p);
	else
		*out = p;
	return rc;
}
