/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <stdlib.h>

#include "cache/meta/records.h"
#include "cache/write/revalidation.h"

static bool is_valid(struct write_context *x, MDB_txn *txn, const struct object *o)
{
	struct object_record r;
	struct span value;

	if (!atomic_load(&o->recorded))
		return true;
	if (table_get_unchecked(
		    x->metadata, txn, TABLE_OBJECTS, span_of_object(&o->id), &value) ||
		object_record_peek(value, &r))
		return false;
	return object_is_of(o, &r);
}

/* In another epoch, what is open was opened with too much trust. */
int revalidation_run(struct write_context *x, MDB_txn *txn, bool all)
{
	struct object **list;
	size_t count;
	int rc = open_objects_list(x->open_objects, &list, &count);

	for (size_t i = 0; i < count; i++) {
		if (all || !is_valid(x, txn, list[i])) {
			atomic_store(&list[i]->gone, true);
			open_objects_remove(x->open_objects, list[i]);
		}
		object_put(list[i]);
	}
	free(list);
	return rc;
}
