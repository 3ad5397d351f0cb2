noinst_LIBRARIES += libcache_meta.a
libcache_meta_a_SOURCES = \
	%D%/dataset_record.c %D%/dataset_record.h %D%/eviction.c \
	%D%/eviction.h %D%/metadata.c %D%/metadata.h %D%/object_ops.c %D%/object_ops.h \
	%D%/pages.c %D%/pages.h %D%/pins.c %D%/pins.h %D%/records.c %D%/records.h %D%/scan.c \
	%D%/scan.h %D%/transaction.c %D%/transaction.h
