noinst_LIBRARIES += libcache_objects.a
libcache_objects_a_SOURCES = \
	%D%/bad_places.c %D%/bad_places.h %D%/directory.c %D%/directory.h %D%/last_books.c %D%/last_books.h \
	%D%/limits_file.c %D%/limits_file.h %D%/medium.c \
	%D%/medium.h %D%/meta_directory.c %D%/meta_directory.h %D%/object.c %D%/object.h %D%/object_flush.c %D%/object_flush.h \
	%D%/object_files.c \
	%D%/object_files.h %D%/open_objects.c %D%/open_objects.h %D%/page_cache.c \
	%D%/page_cache.h %D%/user.c %D%/user.h
