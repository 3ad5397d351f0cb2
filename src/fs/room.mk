noinst_LIBRARIES += libfs.a
libfs_a_SOURCES = \
	%D%/ahead.c %D%/ahead.h %D%/ahead_objects.c %D%/ahead_objects.h %D%/ahead_stream.c \
	%D%/ahead_stream.h %D%/answer.c %D%/answer.h %D%/backings.c %D%/backings.h \
	%D%/buffers.c %D%/buffers.h %D%/dot_cairn.c %D%/dot_cairn.h %D%/dot_cairn_bring.c \
	%D%/dot_cairn_bring.h %D%/dot_cairn_list.c %D%/dot_cairn_list.h \
	%D%/errands.c %D%/errands.h %D%/entry_stat.c %D%/entry_stat.h %D%/failure.c \
	%D%/failure.h %D%/filesystem.c %D%/filesystem.h %D%/fusermount.c %D%/fusermount.h \
	%D%/hints.c %D%/hints.h %D%/leaf_table.c %D%/leaf_table.h %D%/listing.c %D%/listing.h %D%/lookups.c %D%/lookups.h \
	%D%/loop.c %D%/loop.h %D%/meters.c %D%/meters.h %D%/mount_ask.c %D%/mount_ask.h %D%/mount_table.c %D%/mount_table.h %D%/mountpoint.c \
	%D%/mountpoint.h %D%/neighbours.c %D%/neighbours.h %D%/node.c %D%/node.h \
	%D%/node_table.c %D%/node_table.h %D%/open_mode.c %D%/open_mode.h %D%/opens.c \
	%D%/opens.h %D%/operations.c %D%/operations.h %D%/parallel.c %D%/parallel.h \
	%D%/parked_list.c %D%/parked_list.h %D%/parked_look.h %D%/passthrough.c %D%/passthrough.h %D%/polling.c \
	%D%/polling.h %D%/readahead.c %D%/readahead.h %D%/readahead_table.c \
	%D%/readahead_table.h %D%/reads.c %D%/reads.h %D%/recent_failures.c \
	%D%/recent_failures.h %D%/request.h %D%/request_end.c %D%/request_end.h %D%/request_path.c %D%/request_path.h %D%/request_run.c %D%/request_run.h \
	%D%/retained.c %D%/retained.h %D%/revision_names.c %D%/revision_names.h %D%/revision_source.h \
	%D%/request_try.c %D%/request_try.h %D%/rows.c %D%/rows.h %D%/session.c %D%/session.h %D%/trace.c %D%/trace.h %D%/update.c %D%/update.h %D%/view.c %D%/view.h \
	%D%/xattrs.c %D%/xattrs.h
