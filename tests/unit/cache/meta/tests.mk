CACHE_META_TESTS = \
	%D%/test_checksum %D%/test_eviction %D%/test_metadata %D%/test_object_ops \
	%D%/test_records %D%/test_space %D%/test_trust_epoch %D%/test_verified_pages \
	%D%/test_victims
UNIT_TESTS += $(CACHE_META_TESTS)
$(CACHE_META_TESTS): LDADD = $(CACHE_META_ROOMS) $(CMOCKA_LIBS) $(CACHE_LIBS)
$(CACHE_META_TESTS): $(CACHE_META_ROOMS)
