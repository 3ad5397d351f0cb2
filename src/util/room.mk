noinst_LIBRARIES += libutil.a
libutil_a_SOURCES = \
	%D%/array.h %D%/base64.c %D%/base64.h %D%/boot_id.c %D%/boot_id.h \
	%D%/bounded_call.c %D%/bounded_call.h %D%/bytes.c \
	%D%/bytes.h %D%/checksum.c %D%/checksum.h %D%/clock.c %D%/clock.h %D%/cpu_watch.c %D%/cpu_watch.h %D%/digest.c \
	%D%/digest.h %D%/error.c %D%/error.h %D%/file_lock.c %D%/file_lock.h %D%/histogram.c %D%/histogram.h %D%/home.c \
	%D%/home.h %D%/io.c %D%/io.h %D%/io_class.c %D%/io_class.h %D%/lmdb_page.c %D%/lmdb_page.h %D%/journal.c %D%/journal.h %D%/log.c %D%/log.h \
	%D%/log_causes.c %D%/log_causes.h %D%/memory_limit.c %D%/memory_limit.h \
	%D%/power.c %D%/power.h %D%/printable.c \
	%D%/printable.h %D%/process.c %D%/process.h %D%/signal_stack.c %D%/signal_stack.h %D%/stop_gate.c %D%/stop_gate.h %D%/structure.c %D%/structure.h %D%/thread.c %D%/thread.h \
	%D%/timed_wait.c %D%/timed_wait.h \
	%D%/workers.c %D%/workers.h
