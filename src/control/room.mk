noinst_LIBRARIES += libcontrol.a
libcontrol_a_SOURCES = \
	%D%/control.c %D%/control.h %D%/control_ask.c %D%/control_ask.h %D%/control_line.c \
	%D%/control_line.h
