noinst_LIBRARIES += libcache_meta.a
libcache_meta_a_SOURCES = \
	%D%/changes.h %D%/compaction.c %D%/compaction.h %D%/dataset_record.c %D%/dataset_record.h %D%/environment.c %D%/environment.h %D%/eviction.c %D%/eviction.h %D%/free_pages.c %D%/free_pages.h %D%/guard.c %D%/guard.h \
	%D%/metadata.c %D%/metadata.h %D%/object_ops.c %D%/object_ops.h %D%/pages.c %D%/pages.h \
	%D%/pins.c %D%/pins.h %D%/purge.c %D%/purge.h %D%/read_pool.c %D%/read_pool.h %D%/readers.c %D%/readers.h %D%/records.c %D%/records.h %D%/recount.c \
	%D%/recount.h %D%/scan.c %D%/scan.h %D%/scrub_record.c %D%/scrub_record.h \
	%D%/settings.c %D%/settings.h %D%/space.c %D%/space.h \
	%D%/structure_stamp.c %D%/structure_stamp.h %D%/table.c %D%/table.h %D%/transaction.c %D%/transaction.h \
	%D%/trust_epoch.c %D%/trust_epoch.h %D%/unflushed.c %D%/unflushed.h \
	%D%/verified_pages.c %D%/verified_pages.h \
	%D%/victims.c %D%/victims.h %D%/write_lock.c %D%/write_lock.h
