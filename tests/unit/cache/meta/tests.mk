CACHE_META_TESTS = \
	%D%/test_compaction %D%/test_equal_pids %D%/test_eviction %D%/test_guard %D%/test_metadata %D%/test_object_ops \
	%D%/test_pages %D%/test_pins %D%/test_purge %D%/test_records %D%/test_recount \
	%D%/test_readers %D%/test_scan %D%/test_scrub_record %D%/test_settings %D%/test_space %D%/test_structure %D%/test_structure_stamp \
	%D%/test_transaction %D%/test_trust_epoch %D%/test_unflushed %D%/test_verified_pages \
	%D%/test_victims %D%/test_write_lock
UNIT_TESTS += $(CACHE_META_TESTS)
$(CACHE_META_TESTS): LDADD = $(CACHE_META_ROOMS) $(CMOCKA_LIBS) $(CACHE_LIBS)
$(CACHE_META_TESTS): $(CACHE_META_ROOMS)
