CLI_TESTS = \
	%D%/test_change %D%/test_command %D%/test_entry_text %D%/test_extract %D%/test_json_output %D%/test_keys %D%/test_link_table \
	%D%/test_mount_helper %D%/test_mount_options %D%/test_mount_profile %D%/test_mounts %D%/test_prefetcher \
	%D%/test_progress %D%/test_progress_line %D%/test_report_page %D%/test_size_tree %D%/test_usage \
	%D%/test_publish_values %D%/test_reader %D%/test_selection %D%/test_size %D%/test_status_table %D%/test_status_text %D%/test_terminal
UNIT_TESTS += $(CLI_TESTS)
$(CLI_TESTS): LDADD = $(CLI_ROOMS) $(CMOCKA_LIBS) $(CLI_LIBS)
$(CLI_TESTS): $(CLI_ROOMS)
