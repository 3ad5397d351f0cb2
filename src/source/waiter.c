/* SPDX-License-Identifier: MIT */
#include <config.h>

#include <assert.h>

#include "source/waiter.h"

void waiter_release(struct waiter *waiter)
{
	assert(!waiter->line);
	blob_buffers_release(&waiter->buffers);
}
