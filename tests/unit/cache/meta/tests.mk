CACHE_META_TESTS = \
	%D%/test_dataset_record %D%/test_metadata %D%/test_pages %D%/test_pins \
	%D%/test_records
UNIT_TESTS += $(CACHE_META_TESTS)
$(CACHE_META_TESTS): LDADD = $(CACHE_META_ROOMS) $(CMOCKA_LIBS) $(CACHE_LIBS)
$(CACHE_META_TESTS): $(CACHE_META_ROOMS)
