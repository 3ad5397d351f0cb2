CACHE_OBJECTS_TESTS = \
	%D%/test_bad_places %D%/test_directory %D%/test_medium %D%/test_meta_directory %D%/test_object \
	%D%/test_object_files %D%/test_object_flush \
	%D%/test_open_objects %D%/test_page_cache %D%/test_user
UNIT_TESTS += $(CACHE_OBJECTS_TESTS)
$(CACHE_OBJECTS_TESTS): LDADD = $(CACHE_OBJECTS_ROOMS) $(CMOCKA_LIBS) $(CACHE_LIBS)
$(CACHE_OBJECTS_TESTS): $(CACHE_OBJECTS_ROOMS)
