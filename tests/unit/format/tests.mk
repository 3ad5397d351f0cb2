FORMAT_TESTS = \
	%D%/test_blob %D%/test_blob_buffer %D%/test_blob_frame %D%/test_entry %D%/test_extent_list %D%/test_extent_list_builder \
	%D%/test_json %D%/test_json_byte_string %D%/test_json_cost %D%/test_json_text \
	%D%/test_manifest %D%/test_names %D%/test_object_table %D%/test_page \
	%D%/test_page_builder %D%/test_page_json %D%/test_profile %D%/test_recipe %D%/test_signature %D%/test_starving \
	%D%/test_tag
UNIT_TESTS += $(FORMAT_TESTS)
$(FORMAT_TESTS): LDADD = $(FORMAT_ROOMS) $(CMOCKA_LIBS) $(FORMAT_LIBS)
$(FORMAT_TESTS): $(FORMAT_ROOMS)
