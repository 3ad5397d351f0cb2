noinst_LIBRARIES += libdataset.a
libdataset_a_SOURCES = \
	%D%/dataset.c %D%/dataset.h %D%/known_datasets.c %D%/known_datasets.h %D%/known_keys.c \
	%D%/known_keys.h %D%/last_accepted.c %D%/last_accepted.h %D%/manifest_fetch.c \
	%D%/manifest_fetch.h %D%/opened.h %D%/opening.c %D%/opening.h %D%/refresh.c %D%/refresh.h \
	%D%/signer.c %D%/signer.h %D%/site.c %D%/site.h %D%/site_caches.c %D%/site_caches.h \
	%D%/site_check.c %D%/site_check.h %D%/site_judge.c %D%/site_judge.h %D%/site_missing.c \
	%D%/site_missing.h %D%/url.c %D%/url.h
