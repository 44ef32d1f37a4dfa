/* SPDX-License-Identifier: MIT */
/* Sockets: addresses, messages with their control data, values of options. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "decode_internal.h"

static void unix_address(FILE *out, const unsigned char *path, size_t length)
{
	if (!length)
		return;
	fputs(", sun_path=", out);
	if (path[0]) {
		decode_quoted(out, path, strnlen((const char *)path, length), false);
	} else {
		fputc('@', out);        /* abstract: all of its bytes, whatever they are */
		decode_quoted(out, path + 1, length - 1, false);
	}
}

static void scope(FILE *out, uint32_t index, bool link_local)
{
	char name[IF_NAMESIZE];

	if (link_local && if_indextoname(index, name))
		fprintf(out, "if_nametoindex(\"%s\")", name);
	else
		fprintf(out, "%u", index);
}

void decode_sockaddr(FILE *out, const void *bytes, size_t length)
{
	union {
		sa_family_t family;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_nl nl;
		struct sockaddr_ll ll;
		struct sockaddr_vm vm;
		unsigned char bytes[sizeof(struct sockaddr_storage)];
	} a = { 0 };
	char text[INET6_ADDRSTRLEN];

	if (length > sizeof(a))
		length = sizeof(a);
	memcpy(&a, bytes, length);
	fputs("{sa_family=", out);
	decode_word(out, &words_socket_domain, a.family);
	if (a.family == AF_UNIX) {
		unix_address(out, a.bytes + 2, length - 2);
	} else if (a.family == AF_INET && length >= sizeof(a.in)) {
		fprintf(out, ", sin_port=htons(%u), sin_addr=inet_addr(\"%s\")", ntohs(a.in.sin_port), inet_ntop(AF_INET, &a.in.sin_addr, text, sizeof(text)));
	} else if (a.family == AF_INET6 && length >= 24) {
		fprintf(out, ", sin6_port=htons(%u), sin6_flowinfo=htonl(%u), inet_pton(AF_INET6, \"%s\", &sin6_addr)", ntohs(a.in6.sin6_port),
			ntohl(a.in6.sin6_flowinfo), inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof(text)));
		if (length >= sizeof(a.in6)) {
			fputs(", sin6_scope_id=", out);
			scope(out, a.in6.sin6_scope_id, IN6_IS_ADDR_LINKLOCAL(&a.in6.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&a.in6.sin6_addr));
		}
	} else if (a.family == AF_NETLINK && length >= sizeof(a.nl)) {
		fprintf(out, ", nl_pid=%d, nl_groups=%#08x", (int)a.nl.nl_pid, a.nl.nl_groups);
	} else if (a.family == AF_PACKET && length >= sizeof(a.ll) - sizeof(a.ll.sll_addr)) {
		fputs(", sll_protocol=htons(", out);
		decode_word(out, &words_ethernet, ntohs(a.ll.sll_protocol));
		fputs("), sll_ifindex=", out);
		scope(out, (uint32_t)a.ll.sll_ifindex, true);
		fputs(", sll_hatype=", out);
		decode_word(out, &words_arp_hardware, a.ll.sll_hatype);
		fputs(", sll_pkttype=", out);
		decode_word(out, &words_packet_type, a.ll.sll_pkttype);
		fprintf(out, ", sll_halen=%u", a.ll.sll_halen);
		for (size_t i = 0; i < a.ll.sll_halen && i < sizeof(a.ll.sll_addr); i++)
			fprintf(out, i ? ", %#x" : ", sll_addr=[%#x", a.ll.sll_addr[i]);
		fputs(a.ll.sll_halen ? "]" : "", out);
	} else if (a.family == AF_VSOCK && length >= sizeof(a.vm)) {
		fprintf(out, ", svm_cid=%#x, svm_port=%#x", a.vm.svm_cid, a.vm.svm_port);
	} else if (length > 2) {
		fputs(", sa_data=", out);
		decode_quoted(out, a.bytes + 2, length - 2, false);
	}
	fputc('}', out);
}

/* One at an address, of which so many bytes count. */
static void name(const struct decoding *d, const struct log_memory *memory, uint64_t address, size_t length)
{
	size_t kept;
	const unsigned char *at = log_memory_at(memory, address, &kept, NULL);

	if (!at || length < sizeof(sa_family_t) || kept < sizeof(sa_family_t)) {
		decode_address(d->out, address);
		return;
	}
	decode_sockaddr(d->out, at, length < kept ? length : kept);
}

static void control_data(const struct decoding *d, const struct cmsghdr *c, const unsigned char *data, size_t bytes)
{
	if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		fputc('[', d->out);
		for (size_t i = 0; i + 4 <= bytes; i += 4) {
			int fd;

			memcpy(&fd, data + i, sizeof(fd));
			fprintf(d->out, i ? ", %d" : "%d", fd);
		}
		fputc(']', d->out);
	} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS && bytes >= sizeof(struct ucred)) {
		struct ucred u;

		memcpy(&u, data, sizeof(u));
		fprintf(d->out, "{pid=%d, uid=%u, gid=%u}", u.pid, u.uid, u.gid);
	} else if ((c->cmsg_level == SOL_IP || c->cmsg_level == SOL_IPV6) && bytes == sizeof(int)) {
		int value;

		memcpy(&value, data, sizeof(value));
		fprintf(d->out, "[%d]", value);
	} else
		decode_quoted(d->out, data, bytes, false);
}

static void control(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint64_t length)
{
	size_t kept, at = 0;
	const unsigned char *bytes = log_memory_at(memory, address, &kept, NULL);

	if (!bytes || kept < sizeof(struct cmsghdr)) {
		decode_address(d->out, address);
		return;
	}
	if (kept > length)
		kept = (size_t)length;
	fputc('[', d->out);
	while (kept - at >= sizeof(struct cmsghdr)) {
		struct cmsghdr c;
		size_t data;

		memcpy(&c, bytes + at, sizeof(c));
		fprintf(d->out, "%s{cmsg_len=%lu, cmsg_level=", at ? ", " : "", c.cmsg_len);
		decode_word(d->out, &words_socket_level, (uint32_t)c.cmsg_level);
		fputs(", cmsg_type=", d->out);
		if (c.cmsg_level == SOL_SOCKET)
			decode_word(d->out, &words_socket_messages, (uint32_t)c.cmsg_type);
		else
			decode_socket_option(d->out, (unsigned)c.cmsg_level, (unsigned)c.cmsg_type);
		data = kept - at < c.cmsg_len ? kept - at : (size_t)c.cmsg_len;
		if (data > sizeof(c)) {
			fputs(", cmsg_data=", d->out);
			control_data(d, &c, bytes + at + sizeof(c), data - sizeof(c));
		}
		fputc('}', d->out);
		if (c.cmsg_len < sizeof(c) || c.cmsg_len > kept - at || CMSG_ALIGN(c.cmsg_len) > kept - at)
			break;
		at += CMSG_ALIGN(c.cmsg_len);
	}
	fputc(']', d->out);
}

/* @before: of a message received, what the program had asked for; else NULL. @bytes: of it; @contents: where they are */
static void message(const struct decoding *d, const struct msghdr *m, const struct msghdr *before, const struct log_memory *memory, uint64_t bytes)
{
	uint64_t iov = (uint64_t)(uintptr_t)m->msg_iov;

	fputs("{msg_name=", d->out);
	if (before && m->msg_namelen && m->msg_name)
		name(d, memory, (uint64_t)(uintptr_t)m->msg_name, m->msg_namelen < before->msg_namelen ? m->msg_namelen : before->msg_namelen);
	else
		name(d, memory, (uint64_t)(uintptr_t)m->msg_name, m->msg_namelen);
	if (before && before->msg_namelen != m->msg_namelen)
		fprintf(d->out, ", msg_namelen=%d => %d", (int)before->msg_namelen, (int)m->msg_namelen);
	else
		fprintf(d->out, ", msg_namelen=%d", (int)m->msg_namelen);
	fputs(", msg_iov=", d->out);
	decode_iovec(d, memory, memory, iov, m->msg_iovlen, bytes, true);
	fprintf(d->out, ", msg_iovlen=%lu", m->msg_iovlen);
	if (m->msg_controllen) {
		fputs(", msg_control=", d->out);
		control(d, memory, (uint64_t)(uintptr_t)m->msg_control, m->msg_controllen);
	}
	fprintf(d->out, ", msg_controllen=%lu, msg_flags=", m->msg_controllen);
	decode_flags(d->out, &words_msg, (uint32_t)m->msg_flags);
	fputc('}', d->out);
}

void decode_msghdr(const struct decoding *d, unsigned kind, uint64_t address)
{
	struct msghdr m, before;
	bool asked = decode_before(d, address, &before, sizeof(before));

	if (kind == KIND_MSGHDR) {
		if (asked)
			message(d, &before, NULL, &d->call->before, UINT64_MAX);
		else
			decode_address(d->out, address);
	} else if (d->returned && !d->error && decode_after(d, address, &m, sizeof(m))) {
		message(d, &m, asked ? &before : NULL, &d->call->after, (uint64_t)d->call->result);
	} else if (asked) {
		fprintf(d->out, "{msg_namelen=%d}", (int)before.msg_namelen);
	} else
		decode_address(d->out, address);
}

void decode_mmsghdrs(const struct decoding *d, unsigned kind, uint64_t address, uint64_t count)
{
	bool filled = kind == KIND_MMSGHDRS_FILLED, done = d->returned && !d->error;
	const struct log_memory *memory = filled ? &d->call->after : &d->call->before;
	struct decode_array array = { .memory = memory, .address = address, .count = count, .size = sizeof(struct mmsghdr) };
	struct mmsghdr m;

	if (filled && !done) {
		decode_address(d->out, address);
		return;
	}
	if (filled)
		array.count = (uint64_t)d->call->result;
	if (!decode_array_begin(d->out, &array))
		return;
	while (decode_next(d->out, &array, &m)) {
		uint64_t sent = (array.at - 1) * sizeof(m) + offsetof(struct mmsghdr, msg_len);

		fputs("{msg_hdr=", d->out);
		message(d, &m.msg_hdr, NULL, memory, filled ? m.msg_len : UINT64_MAX);
		/* Of those sent, the kernel says afterwards how far it came. */
		if (filled || (done && array.at <= (uint64_t)d->call->result && decode_after(d, address + sent, &m.msg_len, sizeof(m.msg_len))))
			fprintf(d->out, ", msg_len=%u", m.msg_len);
		fputc('}', d->out);
	}
	decode_array_end(d->out, &array);
}

static void value_of_size(const struct decoding *d, const struct log_memory *memory, uint64_t address, uint32_t length)
{
	int value;

	if (length >= sizeof(value) && length < 8 && log_memory_read(memory, address, &value, sizeof(value), NULL) == sizeof(value))
		fprintf(d->out, "[%d]", value);
	else
		decode_buffer(d, memory, address, length);
}

/* What setsockopt gives and getsockopt gets. */
void decode_option_value(const struct decoding *d, unsigned index)
{
	const uint64_t *a = d->call->arguments;
	bool get = d->call->number == SYS_getsockopt;
	const struct log_memory *memory = get ? &d->call->after : &d->call->before;
	uint32_t level = (uint32_t)a[1], option = (uint32_t)a[2], length = (uint32_t)a[4];
	union {
		struct linger linger;
		struct ucred user;
		struct ip_mreqn group;
		int number;
	} v;
	size_t kept = log_memory_read(memory, a[index], &v, sizeof(v), NULL);

	if (get && (d->error || !decode_after(d, a[4], &length, sizeof(length)))) {
		decode_address(d->out, a[index]);
		return;
	}
	if ((!kept && length) || (!get && length < sizeof(int) && decode_word_name(&words_socket_level, level))) {
		decode_address(d->out, a[index]);
		return;
	}
	if (!get && ((level == SOL_SOCKET && option == SO_LINGER && length < sizeof(v.linger)) ||
		     (level == IPPROTO_IP && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP) && length < sizeof(struct ip_mreq))))
		decode_address(d->out, a[index]); /* too short to be one */
	else if (level == SOL_SOCKET && option == SO_LINGER && length >= sizeof(v.linger) && kept >= sizeof(v.linger))
		fprintf(d->out, "{l_onoff=%d, l_linger=%d}", v.linger.l_onoff, v.linger.l_linger);
	else if (level == SOL_SOCKET && option == SO_PEERCRED && get && length >= sizeof(v.user) && kept >= sizeof(v.user))
		fprintf(d->out, "{pid=%d, uid=%u, gid=%u}", v.user.pid, v.user.uid, v.user.gid);
	else if (level == SOL_SOCKET && option == SO_ERROR && get && length >= 4 && kept >= 4) {
		const char *error = v.number ? strerrorname_np(v.number) : NULL;

		if (error)
			fprintf(d->out, "[%s]", error);
		else
			fprintf(d->out, "[%d]", v.number);
	} else if (level == IPPROTO_IP && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP) && !get && length >= sizeof(struct ip_mreq) &&
		   kept >= sizeof(struct ip_mreq)) {
		char text[INET_ADDRSTRLEN];

		fprintf(d->out, "{imr_multiaddr=inet_addr(\"%s\"), ", inet_ntop(AF_INET, &v.group.imr_multiaddr, text, sizeof(text)));
		fprintf(d->out, "imr_interface=inet_addr(\"%s\")}", inet_ntop(AF_INET, &v.group.imr_address, text, sizeof(text)));
	} else
		value_of_size(d, memory, a[index], length);
}
