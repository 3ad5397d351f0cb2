/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "cli/metrics_file.h"
#include "cli/metrics_text.h"
#include "cli/metrics_where.h"
#include "net/text_server.h"

struct metrics_place {
	struct metrics_file *file;
	struct text_server *server;
};

static int make_text(void *ctx, char **text, size_t *size)
{
	return metrics_text(ctx, text, size);
}

static int start_server(const struct running_mount *m, const char *where,
	struct text_server **out, struct trouble *t)
{
	struct text_server_options o = {.path = "/metrics",
		.type = METRICS_TYPE,
		.make = make_text,
		.ctx = (void *)(uintptr_t)m};
	char *copy = strdup(where);
	int rc = copy ? metrics_where_split(copy, &o.host, &o.port) : ERR_NO_MEMORY;

	if (rc)
		trouble_set(t, rc, "%s", error_text(rc));
	else
		rc = text_server_start(&o, out, t);
	free(copy);
	return rc;
}

int metrics_start(const struct running_mount *m, const char *where,
	struct metrics_place **out, struct trouble *t)
{
	struct metrics_place *p = calloc(1, sizeof *p);
	int rc;

	if (!p)
		return trouble_set(t, ERR_NO_MEMORY, "out of memory");
	if (*where != '/') {
		rc = start_server(m, where, &p->server, t);
	} else {
		rc = metrics_file_start(m, where, &p->file);
		if (rc)
			trouble_set(t, rc, "%s", error_text(rc));
	}
	if (rc)
		free(p);
	else
		*out = p;
	return rc;
}

void metrics_stop(struct metrics_place *p)
{
	if (!p)
		return;
	metrics_file_stop(p->file);
	text_server_stop(p->server);
	free(p);
}
