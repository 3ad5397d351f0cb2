noinst_LIBRARIES += libformat.a
libformat_a_SOURCES = \
	%D%/blob.c %D%/blob.h %D%/blob_buffer.c %D%/blob_buffer.h %D%/blob_frame.c %D%/blob_frame.h %D%/document.c \
	%D%/document.h %D%/entry.c %D%/entry.h %D%/extent.c %D%/extent.h %D%/extent_list.c \
	%D%/extent_list.h %D%/extent_list_builder.c %D%/extent_list_builder.h %D%/json.c %D%/json.h \
	%D%/json_byte_string.c %D%/json_byte_string.h %D%/json_cost.c %D%/json_cost.h %D%/json_text.c %D%/json_text.h \
	%D%/leaf_reader.c %D%/leaf_reader.h %D%/manifest.c %D%/manifest.h %D%/names.c \
	%D%/names.h %D%/object_id.c %D%/object_id.h %D%/object_table.c %D%/object_table.h %D%/page.c %D%/page.h \
	%D%/page_builder.c %D%/page_builder.h %D%/page_json.c %D%/page_json.h \
	%D%/page_layout.h %D%/page_order.c %D%/page_order.h %D%/page_packer.c \
	%D%/page_packer.h %D%/page_writer.c %D%/page_writer.h %D%/profile.c %D%/profile.h %D%/recipe.c %D%/recipe.h \
	%D%/signature.c %D%/signature.h %D%/tag.c %D%/tag.h %D%/want.h
