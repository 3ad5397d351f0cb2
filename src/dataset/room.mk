noinst_LIBRARIES += libdataset.a
libdataset_a_SOURCES = \
	%D%/dataset.c %D%/dataset.h %D%/known_keys.c %D%/known_keys.h %D%/manifest_fetch.c \
	%D%/manifest_fetch.h %D%/url.c %D%/url.h
