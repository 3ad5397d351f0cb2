SOURCE_TESTS = \
	%D%/test_codec_pool %D%/test_decode %D%/test_delta_base %D%/test_download %D%/test_engine %D%/test_in_flight %D%/test_keep %D%/test_keep_queue %D%/test_source \
	%D%/test_waiter
UNIT_TESTS += $(SOURCE_TESTS)
$(SOURCE_TESTS): LDADD = $(SOURCE_ROOMS) $(CMOCKA_LIBS) $(SOURCE_LIBS)
$(SOURCE_TESTS): $(SOURCE_ROOMS)
