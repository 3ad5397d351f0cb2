noinst_LIBRARIES += libtree.a
libtree_a_SOURCES = \
	%D%/cursor.c %D%/cursor.h %D%/diff.c %D%/tree.c %D%/tree.h
