PUBLISH_TESTS = \
	%D%/test_gc %D%/test_gc_policy \
	%D%/test_reachable \
	%D%/test_attributes %D%/test_blobs %D%/test_bundle %D%/test_chunker %D%/test_comparison %D%/test_content \
	%D%/test_dir_names %D%/test_extents %D%/test_hardlinks %D%/test_history %D%/test_ignore %D%/test_ignore_pattern %D%/test_index \
	%D%/test_memory_plan %D%/test_mode_change %D%/test_overrides %D%/test_pipeline %D%/test_publish %D%/test_record %D%/test_spool %D%/test_store \
	%D%/test_store_directory %D%/test_store_location %D%/test_store_recovery %D%/test_tally \
	%D%/test_rollback %D%/test_tagging %D%/test_store_names %D%/test_store_pages \
	%D%/test_unreadable %D%/test_walk
PUBLISH_TESTS += %D%/test_store_copy %D%/test_store_check %D%/test_digest_set
UNIT_TESTS += $(PUBLISH_TESTS)
$(PUBLISH_TESTS): LDADD = $(PUBLISH_ROOMS) $(CMOCKA_LIBS) $(PUBLISH_LIBS)
$(PUBLISH_TESTS): $(PUBLISH_ROOMS)
