/* SPDX-License-Identifier: MIT */
/*
 * Makes calls that succeed, one after the other and the same in each run, so that a decoder has to show what the kernel has answered: structures
 * that are filled, lengths that become shorter, descriptors, addresses, children. Works in the current directory.
 * build: -Wno-unused-result -Wno-deprecated-declarations
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/membarrier.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)

static char buffer[4096];

static void files(void)
{
	struct stat st;
	struct statx sx;
	struct statfs fs;
	struct timespec times[2] = { { 1, 5 }, { 0, UTIME_OMIT } };
	struct timeval vals[2] = { { 1, 0 }, { 1600000000, 250000 } };
	struct iovec out[] = { { "one", 3 }, { "", 0 }, { "twotwotwotwotwotwotwotwotwotwotwotwo", 36 } }, in[] = { { buffer, 2 }, { buffer + 10, 100 } };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 2 };
	struct { unsigned bytes; int type; unsigned char handle[128]; } handle = { .bytes = 0 };
	struct { uint64_t flags, mode, resolve; } how = { O_RDONLY, 0, 0 };
	long offset = 2;
	int mount, fd = (int)CALL(openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_TRUNC, 0644), other;

	CALL(writev, fd, out, 3);
	CALL(pwritev, fd, out, 1, 5L, 0L);
	CALL(preadv, fd, in, 2, 0L, 0L);
	CALL(preadv2, fd, in, 2, -1L, -1L, 0);
	CALL(lseek, fd, 0L, SEEK_SET);
	CALL(readv, fd, in, 2);
	CALL(readv, fd, in, 2);
	CALL(read, fd, buffer, sizeof(buffer));
	CALL(pread64, fd, buffer, 33L, 0L);
	CALL(pread64, fd, buffer, 32L, 0L);
	CALL(pwrite64, fd, "\1\0012\377\177", 5L, 0L);
	CALL(fstat, fd, &st);
	CALL(stat, "file", &st);
	CALL(lstat, "/proc/self", &st);
	CALL(stat, "/dev/null", &st);
	CALL(stat, "nothing", &st);
	CALL(newfstatat, AT_FDCWD, "/tmp", &st, 0);
	CALL(newfstatat, fd, "", &st, AT_EMPTY_PATH);
	CALL(statx, AT_FDCWD, "file", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx);
	CALL(statx, AT_FDCWD, "/dev/null", AT_STATX_DONT_SYNC, STATX_ALL, &sx);
	CALL(statfs, "/proc", &fs);
	CALL(fstatfs, fd, &fs);
	CALL(statfs, "/sys", &fs);
	CALL(access, "file", R_OK | W_OK);
	CALL(faccessat, AT_FDCWD, "file", F_OK);
	CALL(faccessat2, AT_FDCWD, "file", X_OK, AT_EACCESS);
	CALL(utimensat, AT_FDCWD, "file", times, 0);
	CALL(utimensat, fd, NULL, NULL, 0);
	times[0].tv_nsec = UTIME_NOW;
	CALL(utimensat, AT_FDCWD, "file", times, AT_SYMLINK_NOFOLLOW);
	CALL(utimes, "file", vals);
	CALL(futimesat, AT_FDCWD, "file", vals);
	CALL(utime, "file", &(struct utimbuf){ 1500000000, 7 });
	CALL(chmod, "file", 04711);
	CALL(fchmod, fd, 0600);
	CALL(fchmodat, AT_FDCWD, "file", 0);
	CALL(fchownat, AT_FDCWD, "file", -1, 0, AT_SYMLINK_NOFOLLOW);
	CALL(chown, "file", 0, -1);
	CALL(truncate, "file", 100L);
	CALL(ftruncate, fd, 5000L);
	CALL(fallocate, fd, FALLOC_FL_KEEP_SIZE, 0L, 8192L);
	CALL(fadvise64, fd, 0L, 0L, POSIX_FADV_SEQUENTIAL);
	CALL(readahead, fd, 0L, 4096L);
	CALL(sync_file_range, fd, 0L, 0L, SYNC_FILE_RANGE_WRITE);
	CALL(fsync, fd);
	CALL(flock, fd, LOCK_EX | LOCK_NB);
	CALL(fcntl, fd, F_SETLK, &lock);
	lock.l_type = F_RDLCK;
	CALL(fcntl, fd, F_GETLK, &lock);
	CALL(fcntl, fd, F_OFD_GETLK, &lock);
	lock.l_pid = 0;
	CALL(fcntl, fd, F_OFD_GETLK, &lock);
	CALL(fcntl, fd, F_GETFL);
	CALL(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK);
	CALL(fcntl, fd, F_GETFD);
	CALL(fcntl, fd, F_SETFD, FD_CLOEXEC);
	CALL(fcntl, fd, F_GETFD);
	CALL(fcntl, fd, F_DUPFD, 20);
	CALL(fcntl, fd, F_DUPFD_CLOEXEC, 20);
	CALL(fcntl, fd, F_GETOWN);
	CALL(fcntl, fd, F_GETSIG);
	CALL(fcntl, fd, F_GETLEASE);
	CALL(dup, fd);
	CALL(dup2, fd, 30);
	CALL(dup3, fd, 31, O_CLOEXEC);
	CALL(close_range, 30, 31, 0);
	CALL(setxattr, "file", "user.name", "value", 5L, XATTR_CREATE);
	CALL(setxattr, "file", "user.end", "value", 6L, 0);
	CALL(getxattr, "file", "user.name", NULL, 0L);
	CALL(getxattr, "file", "user.name", buffer, 100L);
	CALL(getxattr, "file", "user.end", buffer, 100L);
	CALL(fgetxattr, fd, "user.none", buffer, 100L);
	CALL(listxattr, "file", buffer, 100L);
	CALL(flistxattr, fd, NULL, 0L);
	CALL(removexattr, "file", "user.name");
	CALL(mkdir, "directory", 0755);
	CALL(mkdirat, AT_FDCWD, "directory/inner", 0700);
	CALL(symlink, "file", "link");
	CALL(symlinkat, "a target that is longer than thirty-two bytes", AT_FDCWD, "long");
	CALL(readlink, "link", buffer, 100L);
	CALL(readlinkat, AT_FDCWD, "long", buffer, 100L);
	CALL(readlink, "long", buffer, 5L);
	CALL(link, "file", "hard");
	CALL(linkat, AT_FDCWD, "file", AT_FDCWD, "hard", AT_SYMLINK_FOLLOW);
	CALL(rename, "hard", "renamed");
	CALL(renameat2, AT_FDCWD, "renamed", AT_FDCWD, "file", RENAME_EXCHANGE);
	CALL(mknod, "fifo", S_IFIFO | 0600);
	CALL(mknodat, AT_FDCWD, "device", S_IFCHR | 0600, 0x103);
	other = (int)CALL(open, ".", O_RDONLY | O_DIRECTORY);
	CALL(getdents64, other, buffer, sizeof(buffer));
	CALL(getdents64, other, buffer, sizeof(buffer));
	CALL(lseek, other, 0L, SEEK_SET);
	CALL(getdents, other, buffer, sizeof(buffer));
	CALL(fchdir, other);
	CALL(getcwd, buffer, sizeof(buffer));
	CALL(getcwd, buffer, 1L);
	CALL(close, other);
	CALL(close, other);
	CALL(openat2, AT_FDCWD, "file", &how, sizeof(how));
	CALL(name_to_handle_at, AT_FDCWD, "file", &handle, &mount, 0);
	handle.bytes = 128;
	CALL(name_to_handle_at, AT_FDCWD, "file", &handle, &mount, 0);
	other = (int)CALL(creat, "copy", 0600);
	CALL(fcntl, fd, F_SETFL, 0);
	CALL(sendfile, other, fd, &offset, 10L);
	CALL(sendfile, other, fd, NULL, 10L);
	CALL(copy_file_range, fd, &offset, other, NULL, 10L, 0);
	CALL(ioctl, other, FICLONE, fd);
	CALL(ioctl, fd, FIONREAD, &mount);
	CALL(ioctl, fd, TCGETS, buffer);
	CALL(unlink, "copy");
	CALL(unlinkat, AT_FDCWD, "directory/inner", AT_REMOVEDIR);
	CALL(rmdir, "directory");
	CALL(rmdir, "directory");
	CALL(umask, 027);
	CALL(umask, 0);
	CALL(chroot, "nothing");
	CALL(sync);
}

static void memory(void)
{
	char *p = (char *)CALL(mmap, 0x10000000, 16384L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L);
	unsigned char resident[8];
	int fd = (int)CALL(memfd_create, "memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct iovec here = { buffer, 8 }, there = { p, 8 };

	strcpy(p, "another");
	CALL(mincore, p, 16384L, resident);
	CALL(madvise, p, 4096L, MADV_DONTNEED);
	CALL(mprotect, p, 4096L, PROT_READ);
	CALL(mlock, p, 4096L);
	CALL(munlock, p, 4096L);
	CALL(mremap, p, 16384L, 8192L, 0);
	CALL(mremap, p, 8192L, 8192L, MREMAP_MAYMOVE | MREMAP_FIXED, 0x20000000L);
	CALL(munmap, 0x20000000L, 8192L);
	CALL(ftruncate, fd, 8192L);
	CALL(fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	CALL(fcntl, fd, F_GET_SEALS);
	CALL(mmap, NULL, 4096L, PROT_READ, MAP_SHARED, fd, 4096L);
	CALL(mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, 99, 0L);
	CALL(brk, 0L);
	CALL(process_vm_readv, getpid(), &here, 1L, &there, 1L, 0L);
	CALL(membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	CALL(get_mempolicy, NULL, NULL, 0L, NULL, 0L);
}

static void between(void)
{
	int pair[2], word = 5, id, status;
	struct pollfd polled[] = { { 0, POLLIN, 0 }, { 0, POLLIN | POLLOUT, 0 }, { -1, 0, 0 } };
	struct epoll_event event = { EPOLLIN, { .u64 = 7 } }, events[4];
	fd_set in, out;
	struct timeval wait = { 1, 0 };
	struct timespec soon = { 0, 1000000 };
	struct sembuf op = { 0, 1, 0 };
	struct { long type; char text[100]; } message = { 3, "text" };
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 64 };
	struct shmid_ds shm;
	struct semid_ds sem;
	struct msqid_ds msg;
	uint64_t set = 1 << (SIGUSR1 - 1);
	struct { uint64_t *set; uint64_t size; } sized = { &set, 8 };
	aio_context_t context = 0;
	struct io_uring_params ring = { 0 };
	int queue;

	CALL(pipe, pair);
	CALL(pipe2, pair, O_CLOEXEC | O_NONBLOCK);
	CALL(fcntl, pair[0], F_GETPIPE_SZ);
	CALL(write, pair[1], "in the pipe", 11L);
	CALL(ioctl, pair[0], FIONREAD, &word);
	polled[0].fd = pair[0];
	polled[1].fd = pair[1];
	CALL(poll, polled, 3, 100);
	CALL(ppoll, polled, 3, &(struct timespec){ 1, 0 }, &set, 8L);
	CALL(poll, NULL, 0, 1);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(pair[0], &in);
	FD_SET(pair[1], &out);
	CALL(select, pair[1] + 1, &in, &out, NULL, &wait);
	CALL(pselect6, pair[1] + 1, &in, NULL, NULL, &(struct timespec){ 1, 0 }, &sized);
	CALL(select, 0, NULL, NULL, NULL, &(struct timeval){ 0, 1000 });
	id = (int)CALL(epoll_create1, EPOLL_CLOEXEC);
	CALL(epoll_ctl, id, EPOLL_CTL_ADD, pair[0], &event);
	event.events = EPOLLOUT | EPOLLET;
	CALL(epoll_ctl, id, EPOLL_CTL_ADD, pair[1], &event);
	CALL(epoll_wait, id, events, 4, 0);
	CALL(epoll_pwait, id, events, 4, 0, &set, 8L);
	CALL(epoll_pwait2, id, events, 4, &soon, NULL, 8L);
	CALL(epoll_ctl, id, EPOLL_CTL_DEL, pair[0], NULL);
	CALL(read, pair[0], buffer, 100L);
	CALL(read, pair[0], buffer, 100L);
	CALL(epoll_wait, id, events, 4, 0);
	CALL(eventfd2, 3, EFD_SEMAPHORE);
	CALL(signalfd4, -1, &set, 8L, SFD_NONBLOCK);
	id = (int)CALL(inotify_init1, IN_CLOEXEC);
	CALL(inotify_add_watch, id, ".", IN_CREATE | IN_ONLYDIR);
	CALL(inotify_rm_watch, id, 1);
	CALL(futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 4, NULL);
	CALL(futex, &word, FUTEX_WAIT, 5, &soon);
	CALL(futex, &word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
	CALL(futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 4, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
	CALL(futex, &word, FUTEX_CMP_REQUEUE, 1, 2L, &status, 5);
	id = (int)CALL(shmget, IPC_PRIVATE, 4096L, IPC_CREAT | 0600);
	CALL(shmat, id, 0x30000000L, 0);
	CALL(shmctl, id, IPC_STAT, &shm);
	CALL(shmctl, id, IPC_SET, &shm);
	CALL(shmdt, 0x30000000L);
	CALL(shmctl, id, IPC_RMID, NULL);
	id = (int)CALL(semget, IPC_PRIVATE, 2, 0600);
	CALL(semop, id, &op, 1L);
	op.sem_op = -1;
	CALL(semtimedop, id, &op, 1L, &soon);
	CALL(semctl, id, 0, SETVAL, 4);
	CALL(semctl, id, 0, GETVAL, 0);
	CALL(semctl, id, 0, IPC_STAT, &sem);
	CALL(semctl, id, 0, IPC_RMID, 0);
	id = (int)CALL(msgget, IPC_PRIVATE, 0600);
	CALL(msgsnd, id, &message, 4L, 0);
	CALL(msgctl, id, IPC_STAT, &msg);
	CALL(msgrcv, id, &message, 4L, 0L, IPC_NOWAIT);
	CALL(msgrcv, id, &message, 4L, 0L, IPC_NOWAIT);
	CALL(msgctl, id, IPC_RMID, NULL);
	queue = (int)CALL(mq_open, "decode_real", O_RDWR | O_CREAT | O_NONBLOCK, 0600, &attributes);
	CALL(mq_timedsend, queue, "of a queue", 10L, 3, NULL);
	CALL(mq_getsetattr, queue, NULL, &attributes);
	CALL(mq_timedreceive, queue, buffer, 64L, &word, NULL);
	CALL(mq_timedreceive, queue, buffer, 64L, &word, NULL);
	CALL(mq_unlink, "decode_real");
	CALL(io_setup, 4, &context);
	if (context) {
		struct iocb block = { .aio_fildes = (uint32_t)open("file", O_RDWR), .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_buf = (uint64_t)"written", .aio_nbytes = 7 };
		struct iocb *blocks[] = { &block };
		struct io_event done[2];

		CALL(io_submit, context, 1L, blocks);
		CALL(io_getevents, context, 1L, 2L, done, NULL);
		CALL(io_destroy, context);
	}
	CALL(io_uring_setup, 4, &ring);
	CALL(splice, pair[0], NULL, pair[1], NULL, 0L, SPLICE_F_NONBLOCK);
}

static void sockets(void)
{
	int pair[2], one = 1, server, client, peer;
	socklen_t length = sizeof(struct sockaddr_storage);
	struct sockaddr_storage name;
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "socket" };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct iovec v[] = { { "message", 7 }, { " parts", 6 } }, room[] = { { buffer, 5 }, { buffer + 100, 100 } };
	union { struct cmsghdr h; char bytes[CMSG_SPACE(2 * sizeof(int))]; } control = { .h = { CMSG_LEN(2 * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct msghdr got = { .msg_name = &name, .msg_namelen = sizeof(name), .msg_iov = room, .msg_iovlen = 2, .msg_control = buffer + 1000, .msg_controllen = 500 };
	struct mmsghdr several[2] = { { { .msg_iov = v, .msg_iovlen = 1 }, 0 }, { { .msg_iov = v + 1, .msg_iovlen = 1 }, 0 } };
	struct mmsghdr received[3] = { { { .msg_iov = room, .msg_iovlen = 1 }, 0 }, { { .msg_iov = room + 1, .msg_iovlen = 1 }, 0 } };
	struct linger linger = { 1, 2 };
	struct ucred user;

	CALL(socketpair, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	memcpy(CMSG_DATA(&control.h), pair, sizeof(pair));
	CALL(sendmsg, pair[0], &m, MSG_NOSIGNAL);
	CALL(recvmsg, pair[1], &got, MSG_CMSG_CLOEXEC);
	CALL(sendto, pair[0], "plain", 5L, MSG_DONTWAIT, NULL, 0);
	CALL(recvfrom, pair[1], buffer, 100L, MSG_PEEK, NULL, NULL);
	CALL(recvfrom, pair[1], buffer, 100L, 0, &name, &length);
	CALL(recvfrom, pair[1], buffer, 100L, MSG_DONTWAIT, NULL, NULL);
	length = sizeof(user);
	CALL(getsockopt, pair[0], SOL_SOCKET, SO_PEERCRED, &user, &length);
	CALL(setsockopt, pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	CALL(setsockopt, pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	m.msg_controllen = 0;
	CALL(sendmsg, pair[0], &m, 0);
	got.msg_controllen = 500;
	got.msg_namelen = sizeof(name);
	CALL(recvmsg, pair[1], &got, 0);
	CALL(sendmmsg, pair[0], several, 2, 0);
	CALL(recvmmsg, pair[1], received, 1, 0, NULL);
	CALL(recvmmsg, pair[1], received, 1, MSG_DONTWAIT, &(struct timespec){ 1, 0 });
	CALL(shutdown, pair[0], SHUT_WR);
	CALL(read, pair[1], buffer, 100L);
	server = (int)CALL(socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CALL(bind, server, &un, sizeof(un));
	client = (int)CALL(socket, AF_UNIX, SOCK_DGRAM, 0);
	CALL(bind, client, &(struct sockaddr_un){ .sun_family = AF_UNIX, .sun_path = "\0abstract\n" }, 2 + 10);
	CALL(sendto, client, "datagram", 8L, 0, &un, sizeof(un));
	length = sizeof(name);
	CALL(recvfrom, server, buffer, 100L, 0, &name, &length);
	length = sizeof(name);
	CALL(getsockname, client, &name, &length);
	CALL(getpeername, client, &name, &length);
	CALL(connect, client, &un, 2 + 7);
	CALL(unlink, "socket");
	server = (int)CALL(socket, AF_INET, SOCK_STREAM, IPPROTO_TCP);
	CALL(setsockopt, server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	CALL(setsockopt, server, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	length = sizeof(linger);
	CALL(getsockopt, server, SOL_SOCKET, SO_LINGER, &linger, &length);
	length = 4;
	CALL(getsockopt, server, SOL_SOCKET, SO_TYPE, &one, &length);
	CALL(getsockopt, server, SOL_SOCKET, SO_ERROR, &one, &length);
	CALL(getsockopt, server, SOL_SOCKET, SO_DOMAIN, &one, &length);
	CALL(getsockopt, server, SOL_SOCKET, SO_PROTOCOL, &one, &length);
	length = 16;
	CALL(getsockopt, server, IPPROTO_TCP, TCP_CONGESTION, buffer, &length);
	CALL(bind, server, &in, sizeof(in));
	CALL(listen, server, 5);
	length = sizeof(in);
	CALL(getsockname, server, &in, &length);
	client = (int)CALL(socket, AF_INET, SOCK_STREAM, 0);
	CALL(connect, client, &in, sizeof(in));
	length = sizeof(name);
	peer = (int)CALL(accept4, server, &name, &length, SOCK_CLOEXEC);
	CALL(getpeername, peer, &name, &length);
	one = 1;
	CALL(setsockopt, client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	CALL(write, client, "over the wire", 13L);
	CALL(ioctl, client, FIONBIO, &one);
	CALL(read, client, buffer, 10L);
	CALL(close, server);
	CALL(socket, AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
	client = (int)CALL(socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
	CALL(bind, client, &(struct { uint16_t family, pad; uint32_t pid, groups; }){ AF_NETLINK, 0, 0, 1 }, 12);
	CALL(socket, 77, 0, 0);
}

static void handler(int number)
{
	(void)number;
}

static int child_of_clone(void *unused)
{
	(void)unused;
	CALL(exit, 5);
	return 0;
}

static void processes(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct rlimit64 limit;
	struct rusage usage;
	struct utsname names;
	struct sysinfo machine;
	struct tms times_used;
	struct timex state = { 0 };
	struct itimerval interval = { { 0, 0 }, { 100, 0 } }, old;
	struct itimerspec timer_value = { { 0, 0 }, { 1000, 0 } }, timer_old;
	struct timespec now;
	struct timeval day;
	struct sigevent quiet = { .sigev_notify = SIGEV_NONE };
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct { uint32_t version; int pid; } header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	struct clone_args args = { .flags = CLONE_PARENT_SETTID | CLONE_PIDFD, .exit_signal = SIGCHLD };
	struct { uint32_t size, policy; uint64_t rest[6]; } attributes;
	struct seccomp_notif_sizes sizes;
	siginfo_t info;
	uint64_t set = 1 << (SIGUSR2 - 1), pending, cpus[16];
	int status, pid, fd, parent = 0, timer;
	unsigned ids[3];
	uint32_t action_known = SECCOMP_RET_ALLOW;
	long where;

	CALL(getpid);
	CALL(getuid);
	CALL(getresuid, &ids[0], &ids[1], &ids[2]);
	CALL(getresgid, &ids[0], &ids[1], &ids[2]);
	CALL(getgroups, 0, NULL);
	CALL(getgroups, 3, ids);
	CALL(getpgid, 0);
	CALL(getpriority, PRIO_PROCESS, 0);
	CALL(getrlimit, RLIMIT_NOFILE, &limit);
	CALL(prlimit64, 0, RLIMIT_CORE, NULL, &limit);
	limit.rlim_cur = 0;
	CALL(prlimit64, 0, RLIMIT_CORE, &limit, NULL);
	CALL(getrusage, RUSAGE_SELF, &usage);
	CALL(uname, &names);
	CALL(sysinfo, &machine);
	CALL(times, &times_used);
	CALL(adjtimex, &state);
	CALL(clock_adjtime, CLOCK_REALTIME, &state);
	CALL(setitimer, ITIMER_REAL, &interval, &old);
	CALL(getitimer, ITIMER_REAL, &old);
	CALL(alarm, 0);
	CALL(timer_create, CLOCK_MONOTONIC, &quiet, &timer);
	CALL(timer_settime, timer, 0, &timer_value, &timer_old);
	CALL(timer_gettime, timer, &timer_old);
	CALL(timer_delete, timer);
	fd = (int)CALL(timerfd_create, CLOCK_REALTIME, TFD_CLOEXEC);
	CALL(timerfd_settime, fd, TFD_TIMER_ABSTIME, &timer_value, NULL);
	CALL(timerfd_gettime, fd, &timer_old);
	CALL(clock_gettime, CLOCK_REALTIME, &now);
	CALL(clock_getres, CLOCK_MONOTONIC, &now);
	CALL(gettimeofday, &day, NULL);
	CALL(time, NULL);
	CALL(time, &where);
	CALL(nanosleep, &(struct timespec){ 0, 1000 }, &now);
	CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &(struct timespec){ 0, 1000 }, NULL);
	CALL(sched_getaffinity, 0, 128L, cpus);
	CALL(sched_setaffinity, 0, 128L, cpus);
	CALL(sched_getscheduler, 0);
	CALL(sched_getparam, 0, &status);
	CALL(sched_getattr, 0, &attributes, 56, 0);
	CALL(sched_get_priority_max, 1);
	CALL(sched_rr_get_interval, 0, &now);
	CALL(sched_yield);
	CALL(ioprio_get, 1, 0);
	CALL(capget, &header, data);
	CALL(capget, &header, NULL);
	CALL(prctl, PR_GET_DUMPABLE);
	CALL(prctl, PR_SET_NAME, "a name longer than it may be");
	CALL(prctl, PR_GET_NAME, buffer);
	CALL(prctl, PR_GET_PDEATHSIG, &status);
	CALL(prctl, PR_CAPBSET_READ, 5);
	CALL(prctl, PR_GET_TIMERSLACK);
	CALL(prctl, PR_GET_SECCOMP);
	CALL(prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	CALL(arch_prctl, 0x1003, &where);
	CALL(personality, 0xffffffff);
	CALL(seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
	CALL(seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action_known);
	CALL(getrandom, buffer, 8L, GRND_NONBLOCK);
	CALL(getrandom, buffer, 40L, 0);
	sigaction(SIGUSR1, &action, NULL);
	CALL(rt_sigaction, SIGUSR1, NULL, buffer, 8L);
	CALL(rt_sigaction, SIGKILL, NULL, buffer, 8L);
	CALL(kill, getpid(), SIGUSR1);
	CALL(rt_sigprocmask, SIG_BLOCK, &set, &pending, 8L);
	CALL(tgkill, getpid(), getpid(), SIGUSR2);
	CALL(rt_sigpending, &pending, 8L);
	CALL(rt_sigtimedwait, &set, &info, &now, 8L);
	CALL(rt_sigprocmask, SIG_SETMASK, NULL, &pending, 8L);
	CALL(sigaltstack, &(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	CALL(sigaltstack, NULL, buffer);
	CALL(set_robust_list, buffer, 24L);
	CALL(get_robust_list, 0, &where, &pending);
	CALL(rt_sigprocmask, SIG_BLOCK, &(uint64_t){ 1 << (SIGCHLD - 1) }, NULL, 8L);
	pid = (int)CALL(fork);
	if (!pid)
		CALL(exit_group, 3);
	CALL(wait4, pid, &status, 0, &usage);
	CALL(wait4, -1, &status, WNOHANG, NULL);
	pid = (int)CALL(clone, SIGCHLD | CLONE_PARENT_SETTID, 0L, &parent, 0L, 0L);
	if (!pid)
		CALL(kill, syscall(SYS_getpid), SIGKILL);
	CALL(waitid, P_PID, pid, &info, WEXITED | WNOWAIT, NULL);
	CALL(wait4, pid, &status, __WALL, NULL);
	args.parent_tid = (uint64_t)&parent;
	args.pidfd = (uint64_t)&fd;
	pid = (int)CALL(clone3, &args, sizeof(args));
	if (!pid)
		CALL(exit_group, 0);
	CALL(waitid, P_PIDFD, fd, &info, WEXITED, NULL);
	pid = clone(child_of_clone, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	CALL(wait4, pid, &status, 0, NULL);
	pid = (int)CALL(vfork);
	if (!pid)
		CALL(exit, 1);
	CALL(pidfd_open, pid, 0);
	CALL(wait4, 0, &status, 0, NULL);
	CALL(wait4, -1, &status, 0, NULL);
	CALL(execve, "/nothing", ((char *[]){ "nothing", "with", "", "an argument that is longer than thirty-two", NULL }), ((char *[]){ "A=1", NULL }));
	CALL(execveat, -1, "/nothing", NULL, ((char *[]){ NULL }), 0);
	pid = (int)CALL(fork);
	if (!pid)
		CALL(execve, "/bin/true", ((char *[]){ "true", NULL }), ((char *[]){ "A=1", "B=2", NULL }));
	CALL(wait4, pid, &status, 0, NULL);
	CALL(setsid);
	CALL(sched_rr_get_interval, -1, NULL);
	syscall(9999, 1, 2, 3, 4, 5, 6);
}

int main(void)
{
	files();
	memory();
	between();
	sockets();
	processes();
	CALL(exit_group, 7);
}
