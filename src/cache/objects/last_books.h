/* SPDX-License-Identifier: MIT */
/*
 * Which books the objects' files were last written under: `books` in the cache's directory
 * has the number of meta/data.mdb and that of its last transaction, beside the books, so
 * that whoever puts older ones or others in their place does not put back that, too. Files
 * that were made since are in no such books, and of those that are, less may be there than
 * they say. It may lag behind (nothing is flushed, and not each transaction is noted), but
 * never says more than there was. Any thread.
 */
#ifndef CAIRN_CACHE_OBJECTS_LAST_BOOKS_H
#define CAIRN_CACHE_OBJECTS_LAST_BOOKS_H

#include "cache/meta/metadata.h"
#include "cache/objects/directory.h"

/* Are those that are open others, or older? False, too, when nothing is noted. */
bool last_books_are_others(struct directory *d, struct metadata *m);
/* Notes those that are open, unless it says so already. Where that cannot be done, it stays
 * as it was. */
void last_books_note(struct directory *d, struct metadata *m);
/* meta/ is about to become another file, by our own hand. */
void last_books_forget(struct directory *d);

#endif
