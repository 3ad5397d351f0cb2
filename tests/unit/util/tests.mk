UTIL_TESTS = \
	%D%/test_array %D%/test_base64 %D%/test_boot_id %D%/test_bounded_call %D%/test_bytes \
	%D%/test_checksum %D%/test_clock %D%/test_cpu_watch %D%/test_digest %D%/test_error %D%/test_file_lock \
	%D%/test_histogram %D%/test_home %D%/test_io %D%/test_lmdb_page %D%/test_log %D%/test_log_causes %D%/test_memory_limit \
	%D%/test_power \
	%D%/test_printable %D%/test_signal_stack %D%/test_stop_gate %D%/test_thread %D%/test_timed_wait %D%/test_workers
UNIT_TESTS += $(UTIL_TESTS)
$(UTIL_TESTS): LDADD = $(UTIL_ROOMS) $(CMOCKA_LIBS) $(UTIL_LIBS)
$(UTIL_TESTS): $(UTIL_ROOMS)
