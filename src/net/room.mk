noinst_LIBRARIES += libnet.a
libnet_a_SOURCES = \
	%D%/access_log.c %D%/access_log.h %D%/admission.c %D%/admission.h %D%/answer_head.c %D%/answer_head.h \
	%D%/cache_control.c %D%/cache_control.h %D%/probe.c %D%/probe.h %D%/base_url.c %D%/base_url.h \
	%D%/bearer.c %D%/bearer.h %D%/budget.c %D%/budget.h \
	%D%/certificate.c %D%/certificate.h %D%/certificate_names.c %D%/certificate_names.h \
	%D%/client_key.c %D%/client_key.h %D%/credentials.c %D%/credentials.h %D%/fetch.h \
	%D%/fetch_list.c %D%/fetch_list.h %D%/fetch_loop.c %D%/fetch_loop.h %D%/fetch_try.c \
	%D%/fetch_try.h %D%/fetcher.c %D%/fetcher.h %D%/file_reader.c %D%/file_reader.h \
	%D%/health.c %D%/health.h %D%/hedge.c %D%/hedge.h %D%/lessons.c %D%/lessons.h %D%/mirror.c %D%/mirror.h \
	%D%/mirrors.c %D%/mirrors.h \
	%D%/origins.c %D%/origins.h %D%/partials.c %D%/partials.h %D%/progress.c \
	%D%/progress.h %D%/redirect.c %D%/redirect.h %D%/retry.c %D%/retry.h %D%/scarcity.c \
	%D%/scarcity.h %D%/schedule.c %D%/schedule.h \
	%D%/serve.h %D%/serve_certificate.c %D%/serve_certificate.h %D%/serve_clients.c \
	%D%/serve_clients.h %D%/serve_request.c %D%/serve_request.h %D%/slots.c %D%/slots.h %D%/status_words.c %D%/status_words.h \
	%D%/sweep.c %D%/sweep.h %D%/text_server.h %D%/tries.c %D%/tries.h \
	%D%/try_failure.c %D%/try_failure.h %D%/try_request.c %D%/try_request.h %D%/try_result.c %D%/try_result.h \
	%D%/window.c %D%/window.h

if HAVE_MICROHTTPD
libnet_a_SOURCES += %D%/serve.c %D%/serve_answer.c %D%/serve_answer.h \
	%D%/serve_exchange.c %D%/serve_exchange.h %D%/serve_listen.c %D%/serve_listen.h \
	%D%/text_server.c
else
libnet_a_SOURCES += %D%/serve_none.c %D%/text_server_none.c
endif
