CACHE_TESTS = \
	%D%/test_attempt %D%/test_cache %D%/test_insert %D%/test_inspect \
	%D%/test_object_io %D%/test_verify
UNIT_TESTS += $(CACHE_TESTS)
$(CACHE_TESTS): LDADD = $(CACHE_ROOMS) $(CMOCKA_LIBS) $(CACHE_LIBS)
$(CACHE_TESTS): $(CACHE_ROOMS)
