CACHE_WRITE_TESTS = \
	%D%/test_commit %D%/test_evicted_watch %D%/test_evictor %D%/test_flusher \
	%D%/test_housekeeping %D%/test_leftovers \
	%D%/test_pending_pages %D%/test_repair %D%/test_reservation %D%/test_write_context \
	%D%/test_write_queue %D%/test_writer
UNIT_TESTS += $(CACHE_WRITE_TESTS)
$(CACHE_WRITE_TESTS): LDADD = $(CACHE_WRITE_ROOMS) $(CMOCKA_LIBS) $(CACHE_LIBS)
$(CACHE_WRITE_TESTS): $(CACHE_WRITE_ROOMS)
