noinst_LIBRARIES += libcache.a
libcache_a_SOURCES = \
	%D%/attempt.c %D%/attempt.h %D%/attempt_pages.c %D%/attempt_pages.h %D%/cache.c \
	%D%/cache.h %D%/delta_base.c %D%/delta_base.h %D%/insert.c %D%/insert.h %D%/inspect.c \
	%D%/inspect.h %D%/object_io.c %D%/object_io.h %D%/state.h %D%/verify.c
