noinst_LIBRARIES += libcache.a
libcache_a_SOURCES = \
	%D%/attempt.c %D%/attempt.h %D%/attempt_pages.c %D%/attempt_pages.h %D%/cache.c \
	%D%/cache.h %D%/check.c %D%/check.h %D%/dataset_state.c %D%/dataset_state.h %D%/delta_base.c %D%/delta_base.h %D%/file_map.c %D%/file_map.h \
	%D%/insert.c %D%/insert.h %D%/inspect.c %D%/inspect.h %D%/inspect_pins.c %D%/object_io.c \
	%D%/object_io.h %D%/object_open.c %D%/object_open.h %D%/page_lookup.c %D%/page_lookup.h %D%/state.h %D%/scrub.c %D%/scrub.h %D%/verify.c
