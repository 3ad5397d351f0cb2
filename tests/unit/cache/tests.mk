CACHE_TESTS = \
	%D%/test_attempt %D%/test_bad_sector %D%/test_cache %D%/test_check \
	%D%/test_dataset_state %D%/test_file_map %D%/test_full_disk %D%/test_insert %D%/test_insert_queue %D%/test_inspect \
	%D%/test_inspect_pins %D%/test_leases %D%/test_object_io %D%/test_other_file \
	%D%/test_page_lookup %D%/test_scrub %D%/test_verify \
	%D%/test_verify_open %D%/test_write_back
UNIT_TESTS += $(CACHE_TESTS)
$(CACHE_TESTS): LDADD = $(CACHE_ROOMS) $(CMOCKA_LIBS) $(CACHE_LIBS)
$(CACHE_TESTS): $(CACHE_ROOMS)
