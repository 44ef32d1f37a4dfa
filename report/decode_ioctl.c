/* SPDX-License-Identifier: MIT */
/* ioctl: names of requests, and what the commonest of them lead to. */
#include <asm/termbits.h>
#include <linux/fs.h>
#include <linux/random.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "decode_internal.h"
#include "log_argument.h"

void decode_ioctl_name(FILE *out, uint32_t request)
{
	static const char *const directions[] = { "_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE" };
	bool begun = false;

	/* Drivers do not ask each other which numbers are taken: what has several names is given all of them. */
	for (size_t i = 0; i < words_ioctl_request.count; i++)
		if (words_ioctl_request.rows[i].value == request) {
			fprintf(out, "%s%s", begun ? " or " : "", words_ioctl_request.rows[i].name);
			begun = true;
		}
	if (!begun)
		fprintf(out, "_IOC(%s, %#x, %#x, %#x)", directions[_IOC_DIR(request)], _IOC_TYPE(request), _IOC_NR(request), _IOC_SIZE(request));
}

/* A terminal's settings: one letter of strace's for each bit, and what is a number of several bits by its word. */
static void terminal(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	struct termios t;

	if (log_memory_read(memory, address, &t, sizeof(t), NULL) < sizeof(t)) {
		decode_address(d->out, address);
		return;
	}
	fputs("{c_iflag=", d->out);
	decode_flags(d->out, &words_terminal_input, t.c_iflag);
	fputs(", c_oflag=", d->out);
	decode_word(d->out, &words_terminal_newline, t.c_oflag & NLDLY);
	fputc('|', d->out);
	decode_word(d->out, &words_terminal_return, t.c_oflag & CRDLY);
	fputc('|', d->out);
	decode_word(d->out, &words_terminal_tab, t.c_oflag & TABDLY);
	fputc('|', d->out);
	decode_word(d->out, &words_terminal_backspace, t.c_oflag & BSDLY);
	fputc('|', d->out);
	decode_word(d->out, &words_terminal_vertical, t.c_oflag & VTDLY);
	fputc('|', d->out);
	decode_word(d->out, &words_terminal_form, t.c_oflag & FFDLY);
	decode_more_flags(d->out, &words_terminal_output, t.c_oflag & ~(uint32_t)(NLDLY | CRDLY | TABDLY | BSDLY | VTDLY | FFDLY));
	fputs(", c_cflag=", d->out);
	decode_word(d->out, &words_terminal_speed, t.c_cflag & CBAUD);
	if (t.c_cflag & CIBAUD) {
		fputc('|', d->out);
		decode_word(d->out, &words_terminal_speed, (t.c_cflag & CIBAUD) >> IBSHIFT);
		fputs("<<IBSHIFT", d->out);
	}
	fputc('|', d->out);
	decode_word(d->out, &words_terminal_size, t.c_cflag & CSIZE);
	decode_more_flags(d->out, &words_terminal_control, t.c_cflag & ~(uint32_t)(CBAUD | CIBAUD | CSIZE));
	fputs(", c_lflag=", d->out);
	decode_flags(d->out, &words_terminal_local, t.c_lflag);
	fputs(", ...}", d->out);
}

static void window(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	struct winsize w;

	if (log_memory_read(memory, address, &w, sizeof(w), NULL) < sizeof(w))
		decode_address(d->out, address);
	else
		fprintf(d->out, "{ws_row=%u, ws_col=%u, ws_xpixel=%u, ws_ypixel=%u}", w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel);
}

static void interface_name(FILE *out, const char *name)
{
	bool whole = strnlen(name, IFNAMSIZ) < IFNAMSIZ;

	fputs("ifr_name=", out);
	decode_quoted(out, (const unsigned char *)name, whole ? strlen(name) : IFNAMSIZ - 1, !whole);
}

static void interface(const struct decoding *d, uint32_t request, uint64_t address)
{
	struct ifreq r;
	bool answered = decode_after(d, address, &r, sizeof(r));

	if (!answered && !decode_before(d, address, &r, sizeof(r))) {
		decode_address(d->out, address);
		return;
	}
	if (request == SIOCGIFNAME) {
		fprintf(d->out, "{ifr_ifindex=%d", r.ifr_ifindex);
		if (answered) {
			fputs(", ", d->out);
			interface_name(d->out, r.ifr_name);
		}
		fputc('}', d->out);
		return;
	}
	fputc('{', d->out);
	interface_name(d->out, r.ifr_name);
	if (answered || request == SIOCSIFFLAGS || request == SIOCSIFMTU)
		switch (request) {
		case SIOCGIFINDEX:
			fprintf(d->out, ", ifr_ifindex=%d", r.ifr_ifindex);
			break;
		case SIOCGIFMTU:
		case SIOCSIFMTU:
			fprintf(d->out, ", ifr_mtu=%d", r.ifr_mtu);
			break;
		case SIOCGIFTXQLEN:
			fprintf(d->out, ", ifr_qlen=%d", r.ifr_qlen);
			break;
		case SIOCGIFMETRIC:
			fprintf(d->out, ", ifr_metric=%d", r.ifr_metric);
			break;
		case SIOCGIFHWADDR:
			fputs(", ifr_hwaddr={sa_family=", d->out);
			decode_word(d->out, &words_arp_hardware, r.ifr_hwaddr.sa_family);
			for (int i = 0; i < 6; i++)
				fprintf(d->out, i ? ":%02x" : ", sa_data=%02x", (unsigned char)r.ifr_hwaddr.sa_data[i]);
			fputc('}', d->out);
			break;
		case SIOCGIFADDR:
			fputs(", ifr_addr=", d->out);
			decode_sockaddr(d->out, &r.ifr_addr, sizeof(r.ifr_addr));
			break;
		case SIOCGIFDSTADDR:
			fputs(", ifr_dstaddr=", d->out);
			decode_sockaddr(d->out, &r.ifr_dstaddr, sizeof(r.ifr_dstaddr));
			break;
		case SIOCGIFBRDADDR:
			fputs(", ifr_broadaddr=", d->out);
			decode_sockaddr(d->out, &r.ifr_broadaddr, sizeof(r.ifr_broadaddr));
			break;
		case SIOCGIFNETMASK:
			fputs(", ifr_netmask=", d->out);
			decode_sockaddr(d->out, &r.ifr_netmask, sizeof(r.ifr_netmask));
			break;
		case SIOCGIFFLAGS:
		case SIOCSIFFLAGS: {
			static const struct decode_word rows[] = {
				W(IFF_UP), W(IFF_BROADCAST), W(IFF_DEBUG), W(IFF_LOOPBACK), W(IFF_POINTOPOINT), W(IFF_NOTRAILERS), W(IFF_RUNNING),
				W(IFF_NOARP), W(IFF_PROMISC), W(IFF_ALLMULTI), W(IFF_MASTER), W(IFF_SLAVE), W(IFF_MULTICAST), W(IFF_PORTSEL),
				W(IFF_AUTOMEDIA), W(IFF_DYNAMIC),
			};
			static const struct decode_words words = { rows, sizeof(rows) / sizeof(rows[0]), "IFF_???" };

			fputs(", ifr_flags=", d->out);
			decode_flags(d->out, &words, (uint16_t)r.ifr_flags);
			break;
		}
		}
	fputc('}', d->out);
}

static void clone_range(const struct decoding *d, uint64_t address)
{
	struct file_clone_range r;

	if (!decode_before(d, address, &r, sizeof(r)))
		decode_address(d->out, address);
	else
		fprintf(d->out, "{src_fd=%d, src_offset=%lu, src_length=%lu, dest_offset=%lu}", (int)r.src_fd, (uint64_t)r.src_offset,
			(uint64_t)r.src_length, (uint64_t)r.dest_offset);
}

static void file_flags(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	static const struct decode_word rows[] = {
		W(FS_SECRM_FL), W(FS_UNRM_FL), W(FS_COMPR_FL), W(FS_SYNC_FL), W(FS_IMMUTABLE_FL), W(FS_APPEND_FL), W(FS_NODUMP_FL), W(FS_NOATIME_FL),
		W(FS_DIRTY_FL), W(FS_COMPRBLK_FL), W(FS_NOCOMP_FL), W(FS_ENCRYPT_FL), W(FS_INDEX_FL), W(FS_IMAGIC_FL), W(FS_JOURNAL_DATA_FL),
		W(FS_NOTAIL_FL), W(FS_DIRSYNC_FL), W(FS_TOPDIR_FL), W(FS_HUGE_FILE_FL), W(FS_EXTENT_FL), W(FS_VERITY_FL), W(FS_EA_INODE_FL),
		W(FS_EOFBLOCKS_FL), W(FS_NOCOW_FL), W(FS_DAX_FL), W(FS_INLINE_DATA_FL), W(FS_PROJINHERIT_FL), W(FS_CASEFOLD_FL), W(FS_RESERVED_FL),
	};
	static const struct decode_words words = { rows, sizeof(rows) / sizeof(rows[0]), "FS_???_FL" };
	uint32_t flags;

	if (log_memory_read(memory, address, &flags, sizeof(flags), NULL) < sizeof(flags)) {
		decode_address(d->out, address);
		return;
	}
	fputc('[', d->out);
	decode_flags(d->out, &words, flags);
	fputc(']', d->out);
}

static void int_at(const struct decoding *d, const struct log_memory *memory, uint64_t address)
{
	int value;

	if (log_memory_read(memory, address, &value, sizeof(value), NULL) < sizeof(value))
		decode_address(d->out, address);
	else
		fprintf(d->out, "[%d]", value);
}

void decode_ioctl_argument(const struct decoding *d, uint64_t address)
{
	uint32_t request = (uint32_t)d->call->arguments[1];
	const struct log_memory *before = &d->call->before, *after = &d->call->after;

	switch (request) {
	case TCGETS:
		terminal(d, after, address);
		break;
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		terminal(d, before, address);
		break;
	case TIOCGWINSZ:
		window(d, after, address);
		break;
	case TIOCSWINSZ:
		window(d, before, address);
		break;
	case FIONREAD:
	case TIOCOUTQ:
	case TIOCGPGRP:
	case TIOCGSID:
	case TIOCGETD:
	case BLKROGET:
	case BLKSSZGET:
	case TIOCGPTN:
	case TIOCGPTLCK:
	case TIOCGPKT:
	case TIOCGEXCL:
	case RNDGETENTCNT:
		int_at(d, after, address);
		break;
	case BLKGETSIZE:
	case BLKGETSIZE64: {
		uint64_t size;

		if (decode_after(d, address, &size, sizeof(size)))
			fprintf(d->out, "[%lu]", size);
		else
			decode_address(d->out, address);
		break;
	}
	case FIONBIO:
	case FIOASYNC:
	case TIOCSPGRP:
	case TIOCPKT:
	case TIOCSETD:
	case TIOCSPTLCK:
		int_at(d, before, address);
		break;
	case FICLONE:
	case TCSBRK:
	case TCSBRKP:
	case TIOCSCTTY:
		fprintf(d->out, "%d", (int)address);
		break;
	case TCXONC: {
		static const char *const actions[] = { "TCOOFF", "TCOON", "TCIOFF", "TCION" };

		if (address < 4)
			fputs(actions[address], d->out);
		else
			fprintf(d->out, "%#lx /* TC??? */", address);
		break;
	}
	case TCFLSH: {
		static const char *const queues[] = { "TCIFLUSH", "TCOFLUSH", "TCIOFLUSH" };

		if (address < 3)
			fputs(queues[address], d->out);
		else
			fprintf(d->out, "%#lx /* TC??? */", address);
		break;
	}
	case TCGETA:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		decode_address(d->out, address); /* of the old struct termio */
		break;
	case FICLONERANGE:
		clone_range(d, address);
		break;
	case FS_IOC_GETFLAGS:
		file_flags(d, after, address);
		break;
	case FS_IOC_SETFLAGS:
		file_flags(d, before, address);
		break;
	case SIOCGIFNAME: case SIOCGIFFLAGS: case SIOCGIFADDR: case SIOCGIFDSTADDR: case SIOCGIFBRDADDR: case SIOCGIFNETMASK: case SIOCGIFMETRIC:
	case SIOCGIFMTU: case SIOCGIFHWADDR: case SIOCGIFINDEX: case SIOCGIFTXQLEN: case SIOCSIFFLAGS: case SIOCSIFMTU:
		interface(d, request, address);
		break;
	default:
		if (!address && request != FIBMAP && request != FIGETBSZ && log_argument(d->kinds, d->call->arguments, 2).bytes &&
		    decode_word_name(&words_ioctl_request, request))
			fputs("NULL", d->out);
		else
			fprintf(d->out, "%#lx", address);
	}
}
