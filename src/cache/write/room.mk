noinst_LIBRARIES += libcache_write.a
libcache_write_a_SOURCES = \
	%D%/housekeeping.c %D%/housekeeping.h %D%/repair.c %D%/repair.h %D%/reservation.c \
	%D%/reservation.h %D%/writer.c %D%/writer.h
