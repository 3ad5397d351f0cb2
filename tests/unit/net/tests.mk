NET_TESTS = \
	%D%/test_access_log %D%/test_admission %D%/test_budget %D%/test_cache_control %D%/test_certificate_names \
	%D%/test_client_key %D%/test_credentials %D%/test_fetch_list %D%/test_fetcher \
	%D%/test_file_reader %D%/test_hedge %D%/test_mirror %D%/test_mirrors %D%/test_origins \
	%D%/test_partials %D%/test_probe %D%/test_progress %D%/test_redirect %D%/test_retry \
	%D%/test_schedule %D%/test_serve %D%/test_serve_certificate %D%/test_serve_clients \
	%D%/test_serve_request %D%/test_slots %D%/test_sweep %D%/test_text_server %D%/test_try_failure %D%/test_try_result %D%/test_window
UNIT_TESTS += $(NET_TESTS)
$(NET_TESTS): LDADD = $(NET_ROOMS) $(CMOCKA_LIBS) $(NET_LIBS)
$(NET_TESTS): $(NET_ROOMS)
