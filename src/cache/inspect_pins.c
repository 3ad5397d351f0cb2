/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <string.h>

#include "cache/inspect.h"
#include "cache/meta/pins.h"
#include "cache/state.h"

int cache_pin(struct cache *c, const char *pin, const struct object_id *object)
{
	size_t size = strlen(pin);

	if (size < 1 || size > PIN_NAME_MAX)
		return ERR_INVALID;
	return write_queue_pin(c->queue, pin, object);
}

int cache_unpin(struct cache *c, const char *pin, uint64_t *objects)
{
	uint64_t sum = 0, removed = 0;
	int rc = cache_flush(c);

	while (!rc) {
		rc = pins_remove_some(
			c->metadata, write_context_deadline(&c->write), pin, &removed);
		if (rc || !removed)
			break;
		sum += removed;
	}
	if (!rc && !sum)
		rc = ERR_ABSENT;
	if (!rc)
		*objects = sum;
	return rc;
}

int cache_each_pin(struct cache *c,
	int (*each)(void *ctx, const char *pin, uint64_t objects), void *ctx)
{
	struct pin_count pin = {.name = ""};
	int rc = 0;

	write_queue_flush(c->queue);
	while (!rc) {
		struct pin_count next;

		rc = pins_next(c->metadata, pin.name, &next);
		if (rc)
			break;
		pin = next;
		rc = each(ctx, pin.name, pin.objects);
	}
	return rc == ERR_ABSENT ? 0 : rc;
}
