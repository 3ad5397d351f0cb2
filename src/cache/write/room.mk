noinst_LIBRARIES += libcache_write.a
libcache_write_a_SOURCES = \
	%D%/commit.c %D%/commit.h %D%/evicted_watch.c %D%/evicted_watch.h %D%/evictor.c \
	%D%/evictor.h %D%/flusher.c %D%/flusher.h %D%/revalidation.c %D%/revalidation.h \
	%D%/housekeeping.c \
	%D%/housekeeping.h %D%/leftovers.c %D%/leftovers.h %D%/pending_pages.c \
	%D%/pending_pages.h %D%/renewal.c %D%/renewal.h %D%/repair.c %D%/repair.h %D%/reservation.c %D%/reservation.h \
	%D%/trim.c %D%/trim.h %D%/victim_files.c %D%/victim_files.h \
	%D%/write_context.c %D%/write_context.h %D%/write_queue.c %D%/write_queue.h %D%/writer.c \
	%D%/writer.h
