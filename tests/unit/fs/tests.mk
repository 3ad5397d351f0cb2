FS_TESTS = \
	%D%/test_ahead %D%/test_backings %D%/test_dot_cairn %D%/test_entry_stat %D%/test_failure \
	%D%/test_fusermount %D%/test_listing %D%/test_lookups %D%/test_loop \
	%D%/test_mount_table %D%/test_mountpoint %D%/test_neighbours %D%/test_node \
	%D%/test_node_table %D%/test_open_mode %D%/test_opens %D%/test_operations \
	%D%/test_parked_list %D%/test_polling %D%/test_readahead %D%/test_readahead_table \
	%D%/test_reads %D%/test_recent_failures %D%/test_request_parked %D%/test_request_run \
	%D%/test_request_try %D%/test_rows %D%/test_trace %D%/test_update %D%/test_view %D%/test_xattrs
UNIT_TESTS += $(FS_TESTS)
$(FS_TESTS): LDADD = $(FS_ROOMS) $(CMOCKA_LIBS) $(FS_LIBS)
$(FS_TESTS): $(FS_ROOMS)
