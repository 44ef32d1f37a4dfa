/* SPDX-License-Identifier: MIT */
/* Words of a terminal's settings, the kernel's struct termios. */
#include <asm/termbits.h>

#include "decode_words.h"

static const struct decode_word terminal_input_rows[] = {
	W(IGNBRK), W(BRKINT), W(IGNPAR), W(PARMRK), W(INPCK), W(ISTRIP), W(INLCR), W(IGNCR), W(ICRNL), W(IUCLC), W(IXON), W(IXANY), W(IXOFF),
	W(IMAXBEL), W(IUTF8),
};
WORDS(terminal_input, "");

static const struct decode_word terminal_newline_rows[] = { W(NL0), W(NL1) };
WORDS(terminal_newline, "");

static const struct decode_word terminal_return_rows[] = { W(CR0), W(CR1), W(CR2), W(CR3) };
WORDS(terminal_return, "");

static const struct decode_word terminal_tab_rows[] = { W(TAB0), W(TAB1), W(TAB2), W(TAB3) };
WORDS(terminal_tab, "");

static const struct decode_word terminal_backspace_rows[] = { W(BS0), W(BS1) };
WORDS(terminal_backspace, "");

static const struct decode_word terminal_vertical_rows[] = { W(VT0), W(VT1) };
WORDS(terminal_vertical, "");

static const struct decode_word terminal_form_rows[] = { W(FF0), W(FF1) };
WORDS(terminal_form, "");

static const struct decode_word terminal_output_rows[] = {
	W(OPOST), W(OLCUC), W(ONLCR), W(OCRNL), W(ONOCR), W(ONLRET), W(OFILL), W(OFDEL),
};
WORDS(terminal_output, "");

static const struct decode_word terminal_speed_rows[] = {
	W(B0), W(B50), W(B75), W(B110), W(B134), W(B150), W(B200), W(B300), W(B600), W(B1200), W(B1800), W(B2400), W(B4800), W(B9600),
	W(B19200), W(B38400), W(B57600), W(B115200), W(B230400), W(B460800), W(B500000), W(B576000), W(B921600), W(B1000000), W(B1152000),
	W(B1500000), W(B2000000), W(B2500000), W(B3000000), W(B3500000), W(B4000000), W(BOTHER),
};
WORDS(terminal_speed, "B???");

static const struct decode_word terminal_size_rows[] = { W(CS5), W(CS6), W(CS7), W(CS8) };
WORDS(terminal_size, "");

static const struct decode_word terminal_control_rows[] = {
	W(CSTOPB), W(CREAD), W(PARENB), W(PARODD), W(HUPCL), W(CLOCAL), W(CMSPAR), W(CRTSCTS),
};
WORDS(terminal_control, "");

static const struct decode_word terminal_local_rows[] = {
	W(ISIG), W(ICANON), W(XCASE), W(ECHO), W(ECHOE), W(ECHOK), W(ECHONL), W(NOFLSH), W(IEXTEN), W(ECHOCTL), W(ECHOPRT), W(ECHOKE),
	W(FLUSHO), W(PENDIN), W(TOSTOP), W(EXTPROC),
};
WORDS(terminal_local, "");
