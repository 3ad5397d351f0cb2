noinst_LIBRARIES += libsource.a
libsource_a_SOURCES = \
	%D%/blob_wait.c %D%/blob_wait.h %D%/codec_pool.c %D%/codec_pool.h %D%/decode.c %D%/decode.h %D%/delivery.c %D%/delivery.h \
	%D%/download.c %D%/download.h %D%/engine.c %D%/engine.h %D%/in_flight.c %D%/in_flight.h \
	%D%/keep.c %D%/keep.h \
	%D%/keep_queue.c %D%/keep_queue.h %D%/source.c %D%/source.h %D%/waiter.c %D%/waiter.h %D%/waiter_line.c %D%/waiter_line.h
