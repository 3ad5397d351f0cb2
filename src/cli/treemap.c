/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "cli/treemap.h"

#include <string.h>

#include "util/error.h"

#define GAP 1.0		  /* around the children of a directory */
#define OPENED_WIDTH 46.0 /* a directory that is smaller is one box */
#define OPENED_HEIGHT 40.0

struct layout {
	treemap_fn each;
	void *ctx;
	struct bytes path; /* of the directory that is laid out, with a NUL */
};

static int lay_children(
	struct layout *l, const struct size_node *n, const struct treemap_box *box);

static double bytes_of(const struct size_node *n)
{
	return (double)n->sums.bytes;
}

/* How long the worst of a row of boxes is against its breadth: `sum` bytes lie along a side
 * of that length, of `all` bytes in `area`. */
static double worst_ratio(double largest, double smallest, double sum, double side)
{
	double breadth = sum / side;
	double longest = largest / breadth / breadth,
	       shortest = breadth * breadth / smallest;

	return longest > shortest ? longest : shortest;
}

/* Of the children from `first` on, how many a row along `side` takes, and the area of them:
 * until the boxes become longer again. */
static size_t choose_row(
	const struct size_node *n, size_t first, double scale, double side, double *area)
{
	double sum = 0, worst = 0, largest = bytes_of(n->children[first]) * scale;
	size_t i;

	for (i = first; i < n->count; i++) {
		double next = bytes_of(n->children[i]) * scale, ratio;

		if (next <= 0)
			break;
		/* What was put together stands last, and may be the largest. */
		largest = next > largest ? next : largest;
		ratio = worst_ratio(largest, next, sum + next, side);
		if (i > first && ratio > worst)
			break;
		worst = ratio;
		sum += next;
	}
	*area = sum;
	return i - first;
}

/* The directory's own path, for its children; the old size comes back. */
static int path_enter(struct layout *l, const char *name, size_t *before)
{
	int rc = 0;

	*before = l->path.size;
	l->path.size--; /* the NUL */
	if (l->path.size)
		rc = bytes_append(&l->path, "/", 1);
	if (!rc)
		rc = bytes_append(&l->path, name, strlen(name) + 1);
	return rc;
}

static void path_leave(struct layout *l, size_t before)
{
	l->path.size = before;
	l->path.data[before - 1] = '\0';
}

static int lay_node(
	struct layout *l, const struct size_node *n, const struct treemap_box *box)
{
	struct treemap_box in = {box->x + GAP, box->y + TREEMAP_HEAD, box->width - 2 * GAP,
		box->height - TREEMAP_HEAD - GAP};
	bool opened = n->count && n->name && box->width >= OPENED_WIDTH &&
		      box->height >= OPENED_HEIGHT;
	size_t before;
	int rc = l->each(l->ctx, n, (const char *)l->path.data, box, opened);

	if (rc || !opened)
		return rc;
	rc = path_enter(l, n->name, &before);
	if (!rc)
		rc = lay_children(l, n, &in);
	path_leave(l, before);
	return rc;
}

/* `count` boxes along the shorter side of *box, which loses what they take. */
static int lay_row(struct layout *l, const struct size_node *n, size_t first, size_t count,
	double scale, double area, struct treemap_box *box)
{
	bool down = box->width >= box->height; /* a column at the left */
	double side = down ? box->height : box->width, breadth = area / side, at = 0;
	int rc = 0;

	for (size_t i = first; !rc && i < first + count; i++) {
		double length = bytes_of(n->children[i]) * scale / breadth;
		struct treemap_box one =
			down ? (struct treemap_box){box->x, box->y + at, breadth, length}
			     : (struct treemap_box){box->x + at, box->y, length, breadth};

		rc = lay_node(l, n->children[i], &one);
		at += length;
	}
	if (down) {
		box->x += breadth;
		box->width -= breadth;
	} else {
		box->y += breadth;
		box->height -= breadth;
	}
	return rc;
}

static int lay_children(
	struct layout *l, const struct size_node *n, const struct treemap_box *box)
{
	struct treemap_box left = *box;
	double all = 0, scale;
	size_t first = 0;
	int rc = 0;

	for (size_t i = 0; i < n->count; i++)
		all += bytes_of(n->children[i]);
	if (all <= 0)
		return 0;
	scale = box->width * box->height / all;
	while (!rc && first < n->count && left.width > 0.5 && left.height > 0.5) {
		double area, side = left.width < left.height ? left.width : left.height;
		size_t count = choose_row(n, first, scale, side, &area);

		if (!count)
			break;
		rc = lay_row(l, n, first, count, scale, area, &left);
		first += count;
	}
	return rc;
}

int treemap_lay(const struct size_node *root, const struct treemap_box *box,
	treemap_fn each, void *ctx)
{
	struct layout l = {.each = each, .ctx = ctx};
	int rc = bytes_append(&l.path, "", 1);

	if (!rc)
		rc = lay_children(&l, root, box);
	bytes_release(&l.path);
	return rc;
}
