DATASET_TESTS = \
	%D%/test_dataset %D%/test_known_datasets %D%/test_known_keys %D%/test_refresh \
	%D%/test_site_judge %D%/test_url
UNIT_TESTS += $(DATASET_TESTS)
$(DATASET_TESTS): LDADD = $(DATASET_ROOMS) $(CMOCKA_LIBS) $(DATASET_LIBS)
$(DATASET_TESTS): $(DATASET_ROOMS)
