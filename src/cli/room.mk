noinst_LIBRARIES += libcli.a
libcli_a_SOURCES = \
	%D%/cache_command.c %D%/cache_command.h %D%/cache_keep.c %D%/cache_keep.h %D%/cache_ls.c \
	%D%/cache_ls.h %D%/cache_report.c %D%/cache_report.h %D%/cmd_cache.c %D%/cmd_cat.c %D%/html.c %D%/html.h %D%/held.c %D%/held.h %D%/report_map.c %D%/report_map.h %D%/report_page.c %D%/report_page.h \
	%D%/report_style.h %D%/size_tree.c %D%/size_tree.h %D%/survey.c %D%/survey.h %D%/survey_json.c %D%/survey_json.h %D%/treemap.c \
	%D%/terminal.c %D%/terminal.h %D%/treemap.h %D%/cmd_check.c %D%/check_store.c %D%/check_store.h %D%/cmd_copy.c %D%/cmd_du.c %D%/usage.c %D%/usage.h \
	%D%/cmd_get.c %D%/cmd_help.c %D%/cmd_key.c %D%/cmd_ls.c %D%/cmd_mount.c \
	%D%/cmd_gc.c %D%/cmd_prefetch.c %D%/cmd_publish.c %D%/cmd_serve.c %D%/cmd_stat.c %D%/cmd_status.c %D%/cmd_trace.c %D%/cmd_umount.c %D%/cmd_update.c \
	%D%/cmd_version.c %D%/cmd_why.c %D%/command.c %D%/command.h %D%/commands.c %D%/duration.c %D%/duration.h %D%/entry_copy.c \
	%D%/entry_copy.h %D%/entry_text.c %D%/entry_text.h %D%/extract.c %D%/extract.h \
	%D%/json_output.c %D%/json_output.h %D%/extract_attributes.c %D%/extract_attributes.h %D%/keys.c %D%/keys.h %D%/link_table.c \
	%D%/link_table.h %D%/mount_background.c %D%/mount_background.h %D%/mount_control.c %D%/mount_control.h %D%/mount_daemon.c \
	%D%/mount_daemon.h %D%/mount_follow.c %D%/mount_follow.h %D%/mount_helper.c %D%/mount_helper.h %D%/mount_options.c \
	%D%/mount_options.h %D%/mount_record.c %D%/mount_record.h %D%/mount_revisions.c %D%/mount_revisions.h %D%/mount_state.c %D%/mount_state.h %D%/mount_state_json.c \
	%D%/mount_state_json.h %D%/mount_trace.c %D%/mount_trace.h %D%/mount_why.c %D%/mount_why.h %D%/mounts.c %D%/mounts.h %D%/prefetcher.c %D%/prefetcher.h \
	%D%/mount_profile.c %D%/mount_profile.h %D%/output.c %D%/output.h %D%/prefetch_outcome.c %D%/prefetch_outcome.h \
	%D%/profile_file.c %D%/profile_file.h %D%/profile_run.c %D%/profile_run.h %D%/progress.c %D%/progress.h %D%/progress_line.c %D%/progress_line.h %D%/publish_changes.c %D%/publish_changes.h %D%/publish_values.c %D%/publish_values.h %D%/reader.c %D%/reader.h %D%/reader_options.c \
	%D%/reader_options.h %D%/running_mount.h %D%/selection.c %D%/selection.h %D%/size.c %D%/size.h \
	%D%/listen_address.c %D%/listen_address.h %D%/metrics.c %D%/metrics.h %D%/metrics_file.c \
	%D%/metrics_file.h %D%/metrics_text.c %D%/metrics_text.h %D%/metrics_where.c %D%/metrics_where.h \
	%D%/status_ask.c %D%/status_ask.h %D%/status_reply.c %D%/status_reply.h %D%/status_table.c \
	%D%/status_table.h %D%/status_text.c %D%/status_text.h %D%/change.c %D%/change.h %D%/changes.c \
	%D%/changes.h %D%/cmd_diff.c %D%/cmd_log.c %D%/cmd_rollback.c %D%/cmd_show.c %D%/cmd_tag.c \
	%D%/revision_text.c %D%/revision_text.h %D%/revisions.c %D%/revisions.h \
	%D%/time_words.c %D%/time_words.h
