noinst_LIBRARIES += libtree.a
libtree_a_SOURCES = \
	%D%/cursor.c %D%/cursor.h %D%/diff.c %D%/diff.h %D%/page_source.h %D%/tree.c %D%/tree.h
