noinst_LIBRARIES += libpublish.a
libpublish_a_SOURCES = \
	%D%/attributes.c %D%/attributes.h %D%/blobs.c %D%/blobs.h %D%/bundle.c %D%/bundle.h \
	%D%/bundle_job.c %D%/bundle_job.h %D%/chunk_job.c %D%/chunk_job.h %D%/chunker.c \
	%D%/chunker.h %D%/comparison.c %D%/comparison.h %D%/content.c %D%/content.h %D%/dir_names.c %D%/dir_names.h \
	%D%/dispatcher.c %D%/dispatcher.h %D%/extents.c %D%/extents.h %D%/hardlinks.c \
	%D%/hardlinks.h %D%/hidden_mount.c %D%/hidden_mount.h %D%/history.c %D%/history.h %D%/ignore.c %D%/ignore.h \
	%D%/ignore_pattern.c %D%/ignore_pattern.h %D%/index.c %D%/index.h %D%/item.c \
	%D%/item.h %D%/memory_plan.c %D%/memory_plan.h %D%/mode_change.c %D%/mode_change.h %D%/object_job.c %D%/object_job.h \
	%D%/object_read.c %D%/object_read.h %D%/overrides.c %D%/overrides.h %D%/page_sink.c %D%/page_sink.h %D%/pipeline.c \
	%D%/pipeline.h %D%/progress.h %D%/profile_blob.c %D%/profile_blob.h %D%/publication.c %D%/publication.h %D%/publish.c \
	%D%/publish.h %D%/recheck.c %D%/recheck.h %D%/record.c %D%/record.h %D%/revision.c %D%/revision.h %D%/scratch.c \
	%D%/scratch.h %D%/directory_listing.c %D%/directory_listing.h %D%/spool.c %D%/spool.h %D%/store.c %D%/store.h \
	%D%/store_dry.c %D%/store_dry.h %D%/store_directory.c %D%/store_directory.h %D%/store_listing.c %D%/store_listing.h \
	%D%/store_location.c %D%/store_location.h %D%/store_memory.c %D%/store_memory.h \
	%D%/store_open.c %D%/store_open.h %D%/store_recovery.c %D%/store_recovery.h \
	%D%/store_remote.c %D%/store_remote.h %D%/stored_blob.c %D%/stored_blob.h %D%/tally.c \
	%D%/tally.h %D%/unit.c %D%/unit.h %D%/unreadable.c %D%/unreadable.h %D%/unsynced.c %D%/unsynced.h %D%/walk.c %D%/walk.h \
	%D%/reachable.c %D%/reachable.h %D%/seen_digests.c %D%/seen_digests.h \
	%D%/store_names.c %D%/store_names.h %D%/store_pages.c %D%/store_pages.h \
	%D%/rollback.c %D%/rollback.h %D%/tagging.c %D%/tagging.h
libpublish_a_SOURCES += \
	%D%/blob_copy.c %D%/blob_copy.h %D%/blob_pool.c %D%/blob_pool.h %D%/copy_options.h %D%/copy_run.h \
	%D%/copy_tags.c %D%/revision_copy.c %D%/revision_copy.h %D%/signers.c %D%/signers.h \
	%D%/store_copy.c %D%/store_copy.h %D%/store_revisions.c %D%/store_revisions.h \
	%D%/check_blobs.c %D%/check_documents.c %D%/check_impact.c %D%/check_impact.h \
	%D%/check_options.h %D%/check_rebuild.c %D%/check_run.h %D%/store_check.c \
	%D%/store_check.h %D%/digest_set.c %D%/digest_set.h
libpublish_a_SOURCES += \
	%D%/digest_flags.c %D%/digest_flags.h %D%/gc.c %D%/gc.h %D%/gc_history.c %D%/gc_history.h \
	%D%/gc_options.h %D%/gc_marks.c %D%/gc_marks.h %D%/gc_policy.c %D%/gc_policy.h %D%/gc_sweep.c %D%/gc_sweep.h \
	%D%/listed_blobs.c %D%/listed_blobs.h %D%/tombstones.c %D%/tombstones.h
