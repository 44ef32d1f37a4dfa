/* SPDX-License-Identifier: MIT */
/*
 * libc's functions that are one system call each, as glibc makes them from 2.33 on. From these rows come the wrappers (wrappers.c), the names that the
 * library shows (pagegap.map), and the test that calls each of them under strace.
 *
 * X(returns, name, parameters, arguments, number of the system call); which letter stands for X says how a failure is known:
 *   W  -1 and errno              E  the result is the errno, or 0         N  it does not fail
 *   P  NULL and errno            Z  0 and errno                           S  SIG_ERR and errno
 * Functions with a variable number of arguments, and those whose -1 may be a result, are written out in wrappers.c; those that do more for
 * pagegap than being counted, where that is done. Left out are functions that make several calls, or none, as it comes: sleep, raise,
 * sigqueue, pthread_kill, tcsetattr, timer_create, posix_madvise, nice, getaddrinfo, opendir, all of stdio; and those that the kernel's vDSO answers without
 * a system call: clock_gettime, gettimeofday, time, getcpu (vdso.c).
 */
#ifndef PAGEGAP_WRAPPERS_TABLE_H
#define PAGEGAP_WRAPPERS_TABLE_H

#define WRAPPERS_TABLE(W, E, N, P, Z, S) \
	/*files: reading and writing */ \
	W(ssize_t, read, (int fd, void *buf, size_t nbytes), (fd, buf, nbytes), SYS_read) \
	W(ssize_t, write, (int fd, const void *buf, size_t n), (fd, buf, n), SYS_write) \
	W(ssize_t, pread, (int fd, void *buf, size_t nbytes, off_t offset), (fd, buf, nbytes, offset), SYS_pread64) \
	W(ssize_t, pread64, (int fd, void *buf, size_t nbytes, off64_t offset), (fd, buf, nbytes, offset), SYS_pread64) \
	W(ssize_t, pwrite, (int fd, const void *buf, size_t n, off_t offset), (fd, buf, n, offset), SYS_pwrite64) \
	W(ssize_t, pwrite64, (int fd, const void *buf, size_t n, off64_t offset), (fd, buf, n, offset), SYS_pwrite64) \
	W(ssize_t, readv, (int fd, const struct iovec *iovec, int count), (fd, iovec, count), SYS_readv) \
	W(ssize_t, writev, (int fd, const struct iovec *iovec, int count), (fd, iovec, count), SYS_writev) \
	W(ssize_t, preadv, (int fd, const struct iovec *iovec, int count, off_t offset), (fd, iovec, count, offset), SYS_preadv) \
	W(ssize_t, preadv64, (int fd, const struct iovec *iovec, int count, off64_t offset), (fd, iovec, count, offset), SYS_preadv) \
	W(ssize_t, pwritev, (int fd, const struct iovec *iovec, int count, off_t offset), (fd, iovec, count, offset), SYS_pwritev) \
	W(ssize_t, pwritev64, (int fd, const struct iovec *iovec, int count, off64_t offset), (fd, iovec, count, offset), SYS_pwritev) \
	W(ssize_t, preadv2, (int fd, const struct iovec *iovec, int count, off_t offset, int flags), \
	  (fd, iovec, count, offset, flags), SYS_preadv2) \
	W(ssize_t, preadv64v2, (int fd, const struct iovec *iovec, int count, off64_t offset, int flags), \
	  (fd, iovec, count, offset, flags), SYS_preadv2) \
	W(ssize_t, pwritev2, (int fd, const struct iovec *iodev, int count, off_t offset, int flags), \
	  (fd, iodev, count, offset, flags), SYS_pwritev2) \
	W(ssize_t, pwritev64v2, (int fd, const struct iovec *iodev, int count, off64_t offset, int flags), \
	  (fd, iodev, count, offset, flags), SYS_pwritev2) \
	W(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence), SYS_lseek) \
	W(off64_t, lseek64, (int fd, off64_t offset, int whence), (fd, offset, whence), SYS_lseek) \
	W(int, truncate, (const char *file, off_t length), (file, length), SYS_truncate) \
	W(int, truncate64, (const char *file, off64_t length), (file, length), SYS_truncate) \
	W(int, ftruncate, (int fd, off_t length), (fd, length), SYS_ftruncate) \
	W(int, ftruncate64, (int fd, off64_t length), (fd, length), SYS_ftruncate) \
	W(int, fallocate, (int fd, int mode, off_t offset, off_t len), (fd, mode, offset, len), SYS_fallocate) \
	W(int, fallocate64, (int fd, int mode, off64_t offset, off64_t len), (fd, mode, offset, len), SYS_fallocate) \
	E(int, posix_fallocate, (int fd, off_t offset, off_t len), (fd, offset, len), SYS_fallocate) \
	E(int, posix_fallocate64, (int fd, off64_t offset, off64_t len), (fd, offset, len), SYS_fallocate) \
	E(int, posix_fadvise, (int fd, off_t offset, off_t len, int advise), (fd, offset, len, advise), SYS_fadvise64) \
	E(int, posix_fadvise64, (int fd, off64_t offset, off64_t len, int advise), (fd, offset, len, advise), SYS_fadvise64) \
	W(ssize_t, readahead, (int fd, off64_t offset, size_t count), (fd, offset, count), SYS_readahead) \
	W(int, syncfs, (int fd), (fd), SYS_syncfs) \
	W(int, fsync, (int fd), (fd), SYS_fsync) \
	W(int, fdatasync, (int fildes), (fildes), SYS_fdatasync) \
	W(int, sync_file_range, (int fd, off64_t offset, off64_t count, unsigned flags), (fd, offset, count, flags), SYS_sync_file_range) \
	W(ssize_t, sendfile, (int out_fd, int in_fd, off_t *offset, size_t count), (out_fd, in_fd, offset, count), SYS_sendfile) \
	W(ssize_t, sendfile64, (int out_fd, int in_fd, off64_t *offset, size_t count), (out_fd, in_fd, offset, count), SYS_sendfile) \
	W(ssize_t, splice, (int fdin, off64_t *offin, int fdout, off64_t *offout, size_t len, unsigned flags), \
	  (fdin, offin, fdout, offout, len, flags), SYS_splice) \
	W(ssize_t, tee, (int fdin, int fdout, size_t len, unsigned flags), (fdin, fdout, len, flags), SYS_tee) \
	W(ssize_t, vmsplice, (int fdout, const struct iovec *iov, size_t count, unsigned flags), (fdout, iov, count, flags), SYS_vmsplice) \
	W(ssize_t, copy_file_range, (int infd, off64_t *pinoff, int outfd, off64_t *poutoff, size_t length, unsigned flags), \
	  (infd, pinoff, outfd, poutoff, length, flags), SYS_copy_file_range) \
	/*files: names and attributes */ \
	W(int, creat, (const char *file, mode_t mode), (file, mode), SYS_creat) \
	W(int, creat64, (const char *file, mode_t mode), (file, mode), SYS_creat) \
	W(int, stat, (const char *file, struct stat *buf), (file, buf), SYS_newfstatat) \
	W(int, lstat, (const char *file, struct stat *buf), (file, buf), SYS_newfstatat) \
	W(int, fstat, (int fd, struct stat *buf), (fd, buf), SYS_newfstatat) \
	W(int, fstatat, (int fd, const char *file, struct stat *buf, int flag), (fd, file, buf, flag), SYS_newfstatat) \
	W(int, stat64, (const char *file, struct stat64 *buf), (file, buf), SYS_newfstatat) \
	W(int, lstat64, (const char *file, struct stat64 *buf), (file, buf), SYS_newfstatat) \
	W(int, fstat64, (int fd, struct stat64 *buf), (fd, buf), SYS_newfstatat) \
	W(int, fstatat64, (int fd, const char *file, struct stat64 *buf, int flag), (fd, file, buf, flag), SYS_newfstatat) \
	W(int, statx, (int dirfd, const char *path, int flags, unsigned mask, struct statx *buf), \
	  (dirfd, path, flags, mask, buf), SYS_statx) \
	W(int, statfs, (const char *file, struct statfs *buf), (file, buf), SYS_statfs) \
	W(int, fstatfs, (int fildes, struct statfs *buf), (fildes, buf), SYS_fstatfs) \
	W(int, statfs64, (const char *file, struct statfs64 *buf), (file, buf), SYS_statfs) \
	W(int, fstatfs64, (int fildes, struct statfs64 *buf), (fildes, buf), SYS_fstatfs) \
	W(int, access, (const char *name, int type), (name, type), SYS_access) \
	W(int, faccessat, (int fd, const char *file, int type, int flag), (fd, file, type, flag), SYS_faccessat2) \
	W(int, link, (const char *from, const char *to), (from, to), SYS_link) \
	W(int, linkat, (int fromfd, const char *from, int tofd, const char *to, int flags), (fromfd, from, tofd, to, flags), SYS_linkat) \
	W(int, symlink, (const char *from, const char *to), (from, to), SYS_symlink) \
	W(int, symlinkat, (const char *from, int tofd, const char *to), (from, tofd, to), SYS_symlinkat) \
	W(int, unlink, (const char *name), (name), SYS_unlink) \
	W(int, unlinkat, (int fd, const char *name, int flag), (fd, name, flag), SYS_unlinkat) \
	W(int, rename, (const char *old, const char *new), (old, new), SYS_rename) \
	W(int, renameat, (int oldfd, const char *old, int newfd, const char *new), (oldfd, old, newfd, new), SYS_renameat) \
	W(int, renameat2, (int oldfd, const char *old, int newfd, const char *new, unsigned flags), \
	  (oldfd, old, newfd, new, flags), SYS_renameat2) \
	W(int, mkdir, (const char *path, mode_t mode), (path, mode), SYS_mkdir) \
	W(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode), SYS_mkdirat) \
	W(int, rmdir, (const char *path), (path), SYS_rmdir) \
	W(int, mknod, (const char *path, mode_t mode, dev_t dev), (path, mode, dev), SYS_mknodat) \
	W(int, mknodat, (int fd, const char *path, mode_t mode, dev_t dev), (fd, path, mode, dev), SYS_mknodat) \
	W(int, mkfifo, (const char *path, mode_t mode), (path, mode), SYS_mknodat) \
	W(int, mkfifoat, (int fd, const char *path, mode_t mode), (fd, path, mode), SYS_mknodat) \
	W(ssize_t, readlink, (const char *path, char *buf, size_t len), (path, buf, len), SYS_readlink) \
	W(ssize_t, readlinkat, (int fd, const char *path, char *buf, size_t len), (fd, path, buf, len), SYS_readlinkat) \
	W(int, chmod, (const char *file, mode_t mode), (file, mode), SYS_chmod) \
	W(int, fchmod, (int fd, mode_t mode), (fd, mode), SYS_fchmod) \
	W(int, fchmodat, (int fd, const char *file, mode_t mode, int flag), (fd, file, mode, flag), SYS_fchmodat) \
	W(int, chown, (const char *file, uid_t owner, gid_t group), (file, owner, group), SYS_chown) \
	W(int, lchown, (const char *file, uid_t owner, gid_t group), (file, owner, group), SYS_lchown) \
	W(int, fchown, (int fd, uid_t owner, gid_t group), (fd, owner, group), SYS_fchown) \
	W(int, fchownat, (int fd, const char *file, uid_t owner, gid_t group, int flag), (fd, file, owner, group, flag), SYS_fchownat) \
	W(int, utime, (const char *file, const struct utimbuf *file_times), (file, file_times), SYS_utimensat) \
	W(int, utimes, (const char *file, const struct timeval tvp[2]), (file, tvp), SYS_utimensat) \
	W(int, utimensat, (int fd, const char *path, const struct timespec times[2], int flags), (fd, path, times, flags), SYS_utimensat) \
	W(int, futimens, (int fd, const struct timespec times[2]), (fd, times), SYS_utimensat) \
	W(int, futimes, (int fd, const struct timeval tvp[2]), (fd, tvp), SYS_utimensat) \
	W(int, lutimes, (const char *file, const struct timeval tvp[2]), (file, tvp), SYS_utimensat) \
	W(int, futimesat, (int fd, const char *file, const struct timeval tvp[2]), (fd, file, tvp), SYS_futimesat) \
	W(int, chdir, (const char *path), (path), SYS_chdir) \
	W(int, fchdir, (int fd), (fd), SYS_fchdir) \
	P(char *, getcwd, (char *buf, size_t size), (buf, size), SYS_getcwd) \
	N(mode_t, umask, (mode_t mask), (mask), SYS_umask) \
	W(ssize_t, getdents64, (int fd, void *buffer, size_t length), (fd, buffer, length), SYS_getdents64) \
	W(int, setxattr, (const char *path, const char *name, const void *value, size_t size, int flags), \
	  (path, name, value, size, flags), SYS_setxattr) \
	W(int, lsetxattr, (const char *path, const char *name, const void *value, size_t size, int flags), \
	  (path, name, value, size, flags), SYS_lsetxattr) \
	W(int, fsetxattr, (int fd, const char *name, const void *value, size_t size, int flags), \
	  (fd, name, value, size, flags), SYS_fsetxattr) \
	W(ssize_t, getxattr, (const char *path, const char *name, void *value, size_t size), (path, name, value, size), SYS_getxattr) \
	W(ssize_t, lgetxattr, (const char *path, const char *name, void *value, size_t size), (path, name, value, size), SYS_lgetxattr) \
	W(ssize_t, fgetxattr, (int fd, const char *name, void *value, size_t size), (fd, name, value, size), SYS_fgetxattr) \
	W(ssize_t, listxattr, (const char *path, char *list, size_t size), (path, list, size), SYS_listxattr) \
	W(ssize_t, llistxattr, (const char *path, char *list, size_t size), (path, list, size), SYS_llistxattr) \
	W(ssize_t, flistxattr, (int fd, char *list, size_t size), (fd, list, size), SYS_flistxattr) \
	W(int, removexattr, (const char *path, const char *name), (path, name), SYS_removexattr) \
	W(int, lremovexattr, (const char *path, const char *name), (path, name), SYS_lremovexattr) \
	W(int, fremovexattr, (int fd, const char *name), (fd, name), SYS_fremovexattr) \
	/*files: descriptors, waiting for them, file systems */ \
	W(int, dup, (int fd), (fd), SYS_dup) \
	W(int, flock, (int fd, int operation), (fd, operation), SYS_flock) \
	W(int, lockf, (int fd, int cmd, off_t len), (fd, cmd, len), SYS_fcntl) \
	W(int, lockf64, (int fd, int cmd, off64_t len), (fd, cmd, len), SYS_fcntl) \
	W(int, poll, (struct pollfd *fds, nfds_t nfds, int timeout), (fds, nfds, timeout), SYS_poll) \
	W(int, ppoll, (struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const __sigset_t *ss), \
	  (fds, nfds, timeout, ss), SYS_ppoll) \
	W(int, select, (int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout), \
	  (nfds, readfds, writefds, exceptfds, timeout), SYS_pselect6) \
	W(int, pselect, (int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, const struct timespec *timeout, const __sigset_t *sigmask), \
	  (nfds, readfds, writefds, exceptfds, timeout, sigmask), SYS_pselect6) \
	W(int, epoll_create, (int size), (size), SYS_epoll_create) \
	W(int, epoll_create1, (int flags), (flags), SYS_epoll_create1) \
	W(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *event), (epfd, op, fd, event), SYS_epoll_ctl) \
	W(int, epoll_wait, (int epfd, struct epoll_event *events, int maxevents, int timeout), \
	  (epfd, events, maxevents, timeout), SYS_epoll_wait) \
	W(int, epoll_pwait, (int epfd, struct epoll_event *events, int maxevents, int timeout, const __sigset_t *ss), \
	  (epfd, events, maxevents, timeout, ss), SYS_epoll_pwait) \
	W(int, epoll_pwait2, (int epfd, struct epoll_event *events, int maxevents, const struct timespec *timeout, const __sigset_t *ss), \
	  (epfd, events, maxevents, timeout, ss), SYS_epoll_pwait2) \
	W(int, inotify_init, (void), (), SYS_inotify_init) \
	W(int, inotify_init1, (int flags), (flags), SYS_inotify_init1) \
	W(int, inotify_add_watch, (int fd, const char *name, uint32_t mask), (fd, name, mask), SYS_inotify_add_watch) \
	W(int, inotify_rm_watch, (int fd, int wd), (fd, wd), SYS_inotify_rm_watch) \
	W(int, fanotify_init, (unsigned flags, unsigned event_f_flags), (flags, event_f_flags), SYS_fanotify_init) \
	W(int, fanotify_mark, (int fanotify_fd, unsigned flags, uint64_t mask, int dfd, const char *pathname), \
	  (fanotify_fd, flags, mask, dfd, pathname), SYS_fanotify_mark) \
	W(int, name_to_handle_at, (int dfd, const char *name, struct file_handle *handle, int *mnt_id, int flags), \
	  (dfd, name, handle, mnt_id, flags), SYS_name_to_handle_at) \
	W(int, open_by_handle_at, (int mountdirfd, struct file_handle *handle, int flags), \
	  (mountdirfd, handle, flags), SYS_open_by_handle_at) \
	W(int, mount, (const char *special_file, const char *dir, const char *fstype, unsigned long int rwflag, const void *data), \
	  (special_file, dir, fstype, rwflag, data), SYS_mount) \
	W(int, umount, (const char *special_file), (special_file), SYS_umount2) \
	W(int, umount2, (const char *special_file, int flags), (special_file, flags), SYS_umount2) \
	W(int, fsopen, (const char *fs_name, unsigned flags), (fs_name, flags), SYS_fsopen) \
	W(int, fsconfig, (int fd, unsigned cmd, const char *key, const void *value, int aux), (fd, cmd, key, value, aux), SYS_fsconfig) \
	W(int, fsmount, (int fd, unsigned flags, unsigned ms_flags), (fd, flags, ms_flags), SYS_fsmount) \
	W(int, fspick, (int dfd, const char *path, unsigned flags), (dfd, path, flags), SYS_fspick) \
	W(int, move_mount, (int from_dfd, const char *from_pathname, int to_dfd, const char *to_pathname, unsigned flags), \
	  (from_dfd, from_pathname, to_dfd, to_pathname, flags), SYS_move_mount) \
	W(int, open_tree, (int dfd, const char *filename, unsigned flags), (dfd, filename, flags), SYS_open_tree) \
	W(int, pivot_root, (const char *new_root, const char *put_old), (new_root, put_old), SYS_pivot_root) \
	W(int, swapon, (const char *path, int flags), (path, flags), SYS_swapon) \
	W(int, swapoff, (const char *path), (path), SYS_swapoff) \
	W(int, quotactl, (int cmd, const char *special, int id, __caddr_t addr), (cmd, special, id, addr), SYS_quotactl) \
	W(int, acct, (const char *name), (name), SYS_acct) \
	W(int, memfd_create, (const char *name, unsigned flags), (name, flags), SYS_memfd_create) \
	/*between processes */ \
	W(int, pipe, (int pipedes[2]), (pipedes), SYS_pipe2) \
	W(int, pipe2, (int pipedes[2], int flags), (pipedes, flags), SYS_pipe2) \
	W(int, eventfd, (unsigned count, int flags), (count, flags), SYS_eventfd2) \
	W(int, eventfd_read, (int fd, eventfd_t *value), (fd, value), SYS_read) \
	W(int, eventfd_write, (int fd, eventfd_t value), (fd, value), SYS_write) \
	W(int, semget, (key_t key, int nsems, int semflg), (key, nsems, semflg), SYS_semget) \
	W(int, semop, (int semid, struct sembuf *sops, size_t nsops), (semid, sops, nsops), SYS_semtimedop) \
	W(int, semtimedop, (int semid, struct sembuf *sops, size_t nsops, const struct timespec *timeout), \
	  (semid, sops, nsops, timeout), SYS_semtimedop) \
	W(int, shmget, (key_t key, size_t size, int shmflg), (key, size, shmflg), SYS_shmget) \
	W(int, shmctl, (int shmid, int cmd, struct shmid_ds *buf), (shmid, cmd, buf), SYS_shmctl) \
	W(int, msgget, (key_t key, int msgflg), (key, msgflg), SYS_msgget) \
	W(int, msgsnd, (int msqid, const void *msgp, size_t msgsz, int msgflg), (msqid, msgp, msgsz, msgflg), SYS_msgsnd) \
	W(ssize_t, msgrcv, (int msqid, void *msgp, size_t msgsz, long int msgtyp, int msgflg), \
	  (msqid, msgp, msgsz, msgtyp, msgflg), SYS_msgrcv) \
	W(int, msgctl, (int msqid, int cmd, struct msqid_ds *buf), (msqid, cmd, buf), SYS_msgctl) \
	W(int, mq_close, (mqd_t mqdes), (mqdes), SYS_close) \
	W(int, mq_unlink, (const char *name), (name), SYS_mq_unlink) \
	W(int, mq_send, (mqd_t mqdes, const char *msg_ptr, size_t msg_len, unsigned msg_prio), \
	  (mqdes, msg_ptr, msg_len, msg_prio), SYS_mq_timedsend) \
	W(int, mq_timedsend, (mqd_t mqdes, const char *msg_ptr, size_t msg_len, unsigned msg_prio, const struct timespec *abs_timeout), \
	  (mqdes, msg_ptr, msg_len, msg_prio, abs_timeout), SYS_mq_timedsend) \
	W(ssize_t, mq_receive, (mqd_t mqdes, char *msg_ptr, size_t msg_len, unsigned *msg_prio), \
	  (mqdes, msg_ptr, msg_len, msg_prio), SYS_mq_timedreceive) \
	W(ssize_t, mq_timedreceive, (mqd_t mqdes, char *msg_ptr, size_t msg_len, unsigned *msg_prio, const struct timespec *abs_timeout), \
	  (mqdes, msg_ptr, msg_len, msg_prio, abs_timeout), SYS_mq_timedreceive) \
	W(int, mq_getattr, (mqd_t mqdes, struct mq_attr *mqstat), (mqdes, mqstat), SYS_mq_getsetattr) \
	W(int, mq_setattr, (mqd_t mqdes, const struct mq_attr *mqstat, struct mq_attr *omqstat), \
	  (mqdes, mqstat, omqstat), SYS_mq_getsetattr) \
	W(ssize_t, process_vm_readv, (pid_t pid, const struct iovec *lvec, unsigned long int liovcnt, const struct iovec *rvec, unsigned long int riovcnt, unsigned long int flags), \
	  (pid, lvec, liovcnt, rvec, riovcnt, flags), SYS_process_vm_readv) \
	W(ssize_t, process_vm_writev, (pid_t pid, const struct iovec *lvec, unsigned long int liovcnt, const struct iovec *rvec, unsigned long int riovcnt, unsigned long int flags), \
	  (pid, lvec, liovcnt, rvec, riovcnt, flags), SYS_process_vm_writev) \
	W(ssize_t, process_madvise, (int pid_fd, const struct iovec *iov, size_t count, int advice, unsigned flags), \
	  (pid_fd, iov, count, advice, flags), SYS_process_madvise) \
	W(int, process_mrelease, (int pidfd, unsigned flags), (pidfd, flags), SYS_process_mrelease) \
	/*network */ \
	W(int, socket, (int domain, int type, int protocol), (domain, type, protocol), SYS_socket) \
	W(int, socketpair, (int domain, int type, int protocol, int fds[2]), (domain, type, protocol, fds), SYS_socketpair) \
	W(int, bind, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len), SYS_bind) \
	W(int, connect, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len), SYS_connect) \
	W(int, listen, (int fd, int n), (fd, n), SYS_listen) \
	W(int, accept, (int fd, struct sockaddr *addr, socklen_t *addr_len), (fd, addr, addr_len), SYS_accept) \
	W(int, accept4, (int fd, struct sockaddr *addr, socklen_t *addr_len, int flags), (fd, addr, addr_len, flags), SYS_accept4) \
	W(int, getsockname, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len), SYS_getsockname) \
	W(int, getpeername, (int fd, struct sockaddr *addr, socklen_t *len), (fd, addr, len), SYS_getpeername) \
	W(ssize_t, send, (int fd, const void *buf, size_t n, int flags), (fd, buf, n, flags), SYS_sendto) \
	W(ssize_t, sendto, (int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr, socklen_t addr_len), \
	  (fd, buf, n, flags, addr, addr_len), SYS_sendto) \
	W(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), SYS_sendmsg) \
	W(int, sendmmsg, (int fd, struct mmsghdr *vmessages, unsigned vlen, int flags), (fd, vmessages, vlen, flags), SYS_sendmmsg) \
	W(ssize_t, recv, (int fd, void *buf, size_t n, int flags), (fd, buf, n, flags), SYS_recvfrom) \
	W(ssize_t, recvfrom, (int fd, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *addr_len), \
	  (fd, buf, n, flags, addr, addr_len), SYS_recvfrom) \
	W(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags), SYS_recvmsg) \
	W(int, recvmmsg, (int fd, struct mmsghdr *vmessages, unsigned vlen, int flags, struct timespec *tmo), \
	  (fd, vmessages, vlen, flags, tmo), SYS_recvmmsg) \
	W(int, shutdown, (int fd, int how), (fd, how), SYS_shutdown) \
	W(int, setsockopt, (int fd, int level, int optname, const void *optval, socklen_t optlen), \
	  (fd, level, optname, optval, optlen), SYS_setsockopt) \
	W(int, getsockopt, (int fd, int level, int optname, void *optval, socklen_t *optlen), \
	  (fd, level, optname, optval, optlen), SYS_getsockopt) \
	/*processes */ \
	N(pid_t, getpid, (void), (), SYS_getpid) \
	N(pid_t, getppid, (void), (), SYS_getppid) \
	W(pid_t, getpgid, (pid_t pid), (pid), SYS_getpgid) \
	N(pid_t, getpgrp, (void), (), SYS_getpgrp) \
	W(int, setpgid, (pid_t pid, pid_t pgid), (pid, pgid), SYS_setpgid) \
	W(int, setpgrp, (void), (), SYS_setpgid) \
	W(pid_t, getsid, (pid_t pid), (pid), SYS_getsid) \
	W(pid_t, setsid, (void), (), SYS_setsid) \
	N(pid_t, gettid, (void), (), SYS_gettid) \
	N(uid_t, getuid, (void), (), SYS_getuid) \
	N(uid_t, geteuid, (void), (), SYS_geteuid) \
	N(gid_t, getgid, (void), (), SYS_getgid) \
	N(gid_t, getegid, (void), (), SYS_getegid) \
	W(int, setuid, (uid_t uid), (uid), SYS_setuid) \
	W(int, setgid, (gid_t gid), (gid), SYS_setgid) \
	W(int, setreuid, (uid_t ruid, uid_t euid), (ruid, euid), SYS_setreuid) \
	W(int, setregid, (gid_t rgid, gid_t egid), (rgid, egid), SYS_setregid) \
	W(int, setresuid, (uid_t ruid, uid_t euid, uid_t suid), (ruid, euid, suid), SYS_setresuid) \
	W(int, setresgid, (gid_t rgid, gid_t egid, gid_t sgid), (rgid, egid, sgid), SYS_setresgid) \
	W(int, seteuid, (uid_t uid), (uid), SYS_setresuid) \
	W(int, setegid, (gid_t gid), (gid), SYS_setresgid) \
	W(int, getresuid, (uid_t *ruid, uid_t *euid, uid_t *suid), (ruid, euid, suid), SYS_getresuid) \
	W(int, getresgid, (gid_t *rgid, gid_t *egid, gid_t *sgid), (rgid, egid, sgid), SYS_getresgid) \
	W(int, getgroups, (int size, gid_t list[]), (size, list), SYS_getgroups) \
	W(int, setgroups, (size_t n, const gid_t *groups), (n, groups), SYS_setgroups) \
	N(int, setfsuid, (uid_t uid), (uid), SYS_setfsuid) \
	N(int, setfsgid, (gid_t gid), (gid), SYS_setfsgid) \
	W(int, getrlimit, (__rlimit_resource_t resource, struct rlimit *rlimits), (resource, rlimits), SYS_prlimit64) \
	W(int, getrlimit64, (__rlimit_resource_t resource, struct rlimit64 *rlimits), (resource, rlimits), SYS_prlimit64) \
	W(int, getrusage, (__rusage_who_t who, struct rusage *usage), (who, usage), SYS_getrusage) \
	W(clock_t, times, (struct tms *buffer), (buffer), SYS_times) \
	W(int, setpriority, (__priority_which_t which, id_t who, int prio), (which, who, prio), SYS_setpriority) \
	W(int, personality, (unsigned long int persona), (persona), SYS_personality) \
	W(int, unshare, (int flags), (flags), SYS_unshare) \
	W(int, setns, (int fd, int nstype), (fd, nstype), SYS_setns) \
	W(int, capget, (void *header, void *data), (header, data), SYS_capget) \
	W(int, capset, (void *header, const void *data), (header, data), SYS_capset) \
	W(int, arch_prctl, (int code, unsigned long address), (code, address), SYS_arch_prctl) \
	W(int, pidfd_open, (pid_t pid, unsigned flags), (pid, flags), SYS_pidfd_open) \
	W(int, pidfd_getfd, (int pidfd, int targetfd, unsigned flags), (pidfd, targetfd, flags), SYS_pidfd_getfd) \
	W(int, pidfd_send_signal, (int pidfd, int sig, siginfo_t *info, unsigned flags), (pidfd, sig, info, flags), SYS_pidfd_send_signal) \
	/*signals */ \
	W(int, kill, (pid_t pid, int sig), (pid, sig), SYS_kill) \
	W(int, killpg, (pid_t pgrp, int sig), (pgrp, sig), SYS_kill) \
	W(int, tgkill, (pid_t tgid, pid_t tid, int signal), (tgid, tid, signal), SYS_tgkill) \
	W(int, sigaction, (int sig, const struct sigaction *act, struct sigaction *oact), (sig, act, oact), SYS_rt_sigaction) \
	S(__sighandler_t, signal, (int sig, __sighandler_t handler), (sig, handler), SYS_rt_sigaction) \
	W(int, sigprocmask, (int how, const sigset_t *set, sigset_t *oset), (how, set, oset), SYS_rt_sigprocmask) \
	E(int, pthread_sigmask, (int how, const __sigset_t *newmask, __sigset_t *oldmask), (how, newmask, oldmask), SYS_rt_sigprocmask) \
	W(int, sigpending, (sigset_t *set), (set), SYS_rt_sigpending) \
	W(int, sigsuspend, (const sigset_t *set), (set), SYS_rt_sigsuspend) \
	W(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *timeout), \
	  (set, info, timeout), SYS_rt_sigtimedwait) \
	W(int, sigwaitinfo, (const sigset_t *set, siginfo_t *info), (set, info), SYS_rt_sigtimedwait) \
	E(int, sigwait, (const sigset_t *set, int *sig), (set, sig), SYS_rt_sigtimedwait) \
	W(int, sigaltstack, (const stack_t *ss, stack_t *oss), (ss, oss), SYS_sigaltstack) \
	W(int, signalfd, (int fd, const sigset_t *mask, int flags), (fd, mask, flags), SYS_signalfd4) \
	W(int, pause, (void), (), SYS_pause) \
	/*time */ \
	W(int, nanosleep, (const struct timespec *requested_time, struct timespec *remaining), \
	  (requested_time, remaining), SYS_clock_nanosleep) \
	E(int, clock_nanosleep, (clockid_t clock_id, int flags, const struct timespec *req, struct timespec *rem), \
	  (clock_id, flags, req, rem), SYS_clock_nanosleep) \
	W(int, usleep, (useconds_t useconds), (useconds), SYS_clock_nanosleep) \
	W(int, clock_settime, (clockid_t clock_id, const struct timespec *tp), (clock_id, tp), SYS_clock_settime) \
	W(int, clock_adjtime, (clockid_t clock_id, struct timex *utx), (clock_id, utx), SYS_clock_adjtime) \
	W(int, adjtimex, (struct timex *ntx), (ntx), SYS_clock_adjtime) \
	W(int, settimeofday, (const struct timeval *tv, const struct timezone *tz), (tv, tz), SYS_clock_settime) \
	N(unsigned int, alarm, (unsigned seconds), (seconds), SYS_alarm) \
	W(int, getitimer, (__itimer_which_t which, struct itimerval *value), (which, value), SYS_getitimer) \
	W(int, setitimer, (__itimer_which_t which, const struct itimerval *new, struct itimerval *old), (which, new, old), SYS_setitimer) \
	W(int, timer_settime, (timer_t timerid, int flags, const struct itimerspec *value, struct itimerspec *ovalue), \
	  (timerid, flags, value, ovalue), SYS_timer_settime) \
	W(int, timer_gettime, (timer_t timerid, struct itimerspec *value), (timerid, value), SYS_timer_gettime) \
	W(int, timer_getoverrun, (timer_t timerid), (timerid), SYS_timer_getoverrun) \
	W(int, timer_delete, (timer_t timerid), (timerid), SYS_timer_delete) \
	W(int, timerfd_create, (clockid_t clock_id, int flags), (clock_id, flags), SYS_timerfd_create) \
	W(int, timerfd_settime, (int ufd, int flags, const struct itimerspec *utmr, struct itimerspec *otmr), \
	  (ufd, flags, utmr, otmr), SYS_timerfd_settime) \
	W(int, timerfd_gettime, (int ufd, struct itimerspec *otmr), (ufd, otmr), SYS_timerfd_gettime) \
	/*scheduling */ \
	W(int, sched_yield, (void), (), SYS_sched_yield) \
	W(int, sched_setscheduler, (pid_t pid, int policy, const struct sched_param *param), (pid, policy, param), SYS_sched_setscheduler) \
	W(int, sched_getscheduler, (pid_t pid), (pid), SYS_sched_getscheduler) \
	W(int, sched_setparam, (pid_t pid, const struct sched_param *param), (pid, param), SYS_sched_setparam) \
	W(int, sched_getparam, (pid_t pid, struct sched_param *param), (pid, param), SYS_sched_getparam) \
	W(int, sched_get_priority_max, (int algorithm), (algorithm), SYS_sched_get_priority_max) \
	W(int, sched_get_priority_min, (int algorithm), (algorithm), SYS_sched_get_priority_min) \
	W(int, sched_rr_get_interval, (pid_t pid, struct timespec *t), (pid, t), SYS_sched_rr_get_interval) \
	W(int, sched_setaffinity, (pid_t pid, size_t cpusetsize, const cpu_set_t *cpuset), \
	  (pid, cpusetsize, cpuset), SYS_sched_setaffinity) \
	W(int, sched_getaffinity, (pid_t pid, size_t cpusetsize, cpu_set_t *cpuset), (pid, cpusetsize, cpuset), SYS_sched_getaffinity) \
	E(int, pthread_setaffinity_np, (pthread_t th, size_t cpusetsize, const cpu_set_t *cpuset), \
	  (th, cpusetsize, cpuset), SYS_sched_setaffinity) \
	E(int, pthread_getaffinity_np, (pthread_t th, size_t cpusetsize, cpu_set_t *cpuset), \
	  (th, cpusetsize, cpuset), SYS_sched_getaffinity) \
	/*memory */ \
	W(int, msync, (void *addr, size_t len, int flags), (addr, len, flags), SYS_msync) \
	W(int, mincore, (void *start, size_t len, unsigned char *vec), (start, len, vec), SYS_mincore) \
	W(int, remap_file_pages, (void *start, size_t size, int prot, size_t pgoff, int flags), \
	  (start, size, prot, pgoff, flags), SYS_remap_file_pages) \
	W(int, pkey_alloc, (unsigned flags, unsigned access_rights), (flags, access_rights), SYS_pkey_alloc) \
	W(int, pkey_free, (int key), (key), SYS_pkey_free) \
	/*devices */ \
	W(int, tcgetattr, (int fd, struct termios *termios_p), (fd, termios_p), SYS_ioctl) \
	W(int, tcdrain, (int fd), (fd), SYS_ioctl) \
	W(int, tcflow, (int fd, int action), (fd, action), SYS_ioctl) \
	W(int, tcflush, (int fd, int queue_selector), (fd, queue_selector), SYS_ioctl) \
	W(pid_t, tcgetpgrp, (int fd), (fd), SYS_ioctl) \
	W(int, tcsetpgrp, (int fd, pid_t pgrp_id), (fd, pgrp_id), SYS_ioctl) \
	W(pid_t, tcgetsid, (int fd), (fd), SYS_ioctl) \
	Z(int, isatty, (int fd), (fd), SYS_ioctl) \
	W(int, sockatmark, (int fd), (fd), SYS_ioctl) \
	W(int, iopl, (int level), (level), SYS_iopl) \
	W(int, ioperm, (unsigned long int from, unsigned long int num, int turn_on), (from, num, turn_on), SYS_ioperm) \
	/*the machine */ \
	W(int, uname, (struct utsname *name), (name), SYS_uname) \
	W(int, gethostname, (char *name, size_t len), (name, len), SYS_uname) \
	W(int, getdomainname, (char *name, size_t len), (name, len), SYS_uname) \
	W(int, sethostname, (const char *name, size_t len), (name, len), SYS_sethostname) \
	W(int, setdomainname, (const char *name, size_t len), (name, len), SYS_setdomainname) \
	W(int, sysinfo, (struct sysinfo *info), (info), SYS_sysinfo) \
	W(ssize_t, getrandom, (void *buffer, size_t length, unsigned flags), (buffer, length, flags), SYS_getrandom) \
	W(int, getentropy, (void *buffer, size_t length), (buffer, length), SYS_getrandom) \
	W(int, klogctl, (int type, char *bufp, int len), (type, bufp, len), SYS_syslog) \
	W(int, reboot, (int howto), (howto), SYS_reboot) \
	W(int, vhangup, (void), (), SYS_vhangup) \
	W(int, init_module, (void *image, unsigned long length, const char *parameters), (image, length, parameters), SYS_init_module) \
	W(int, delete_module, (const char *name, unsigned flags), (name, flags), SYS_delete_module) \
	/* as programs compiled with _FORTIFY_SOURCE call them: the last argument is the room that the compiler knows of */ \
	W(ssize_t, __read_chk, (int fd, void *buf, size_t nbytes, size_t room), (fd, buf, nbytes, room), SYS_read) \
	W(ssize_t, __pread_chk, (int fd, void *buf, size_t nbytes, off_t offset, size_t room), \
	  (fd, buf, nbytes, offset, room), SYS_pread64) \
	W(ssize_t, __pread64_chk, (int fd, void *buf, size_t nbytes, off64_t offset, size_t room), \
	  (fd, buf, nbytes, offset, room), SYS_pread64) \
	W(ssize_t, __readlink_chk, (const char *path, char *buf, size_t len, size_t room), (path, buf, len, room), SYS_readlink) \
	W(ssize_t, __readlinkat_chk, (int fd, const char *path, char *buf, size_t len, size_t room), \
	  (fd, path, buf, len, room), SYS_readlinkat) \
	P(char *, __getcwd_chk, (char *buf, size_t size, size_t room), (buf, size, room), SYS_getcwd) \
	W(ssize_t, __recv_chk, (int fd, void *buf, size_t n, size_t room, int flags), (fd, buf, n, room, flags), SYS_recvfrom) \
	W(ssize_t, __recvfrom_chk, (int fd, void *buf, size_t n, size_t room, int flags, struct sockaddr *addr, socklen_t *addr_len), \
	  (fd, buf, n, room, flags, addr, addr_len), SYS_recvfrom) \
	W(int, __poll_chk, (struct pollfd *fds, nfds_t nfds, int timeout, size_t room), (fds, nfds, timeout, room), SYS_poll) \
	W(int, __ppoll_chk, (struct pollfd *fds, nfds_t nfds, const struct timespec *timeout, const sigset_t *ss, size_t room), \
	  (fds, nfds, timeout, ss, room), SYS_ppoll) \
	W(int, __getgroups_chk, (int size, gid_t list[], size_t room), (size, list, room), SYS_getgroups) \
	W(int, __gethostname_chk, (char *name, size_t len, size_t room), (name, len, room), SYS_uname) \
	W(int, __getdomainname_chk, (char *name, size_t len, size_t room), (name, len, room), SYS_uname) \
	/* other names of the same functions, and those of programs linked with a libc before 2.33 */ \
	W(ssize_t, __read, (int fd, void *buf, size_t nbytes), (fd, buf, nbytes), SYS_read) \
	W(ssize_t, __write, (int fd, const void *buf, size_t n), (fd, buf, n), SYS_write) \
	W(ssize_t, __pread64, (int fd, void *buf, size_t nbytes, off64_t offset), (fd, buf, nbytes, offset), SYS_pread64) \
	W(ssize_t, __pwrite64, (int fd, const void *buf, size_t n, off64_t offset), (fd, buf, n, offset), SYS_pwrite64) \
	W(off_t, __lseek, (int fd, off_t offset, int whence), (fd, offset, whence), SYS_lseek) \
	W(int, __statfs, (const char *file, struct statfs *buf), (file, buf), SYS_statfs) \
	W(int, __poll, (struct pollfd *fds, nfds_t nfds, int timeout), (fds, nfds, timeout), SYS_poll) \
	W(int, __select, (int nfds, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout), \
	  (nfds, readfds, writefds, exceptfds, timeout), SYS_pselect6) \
	W(int, __connect, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len), SYS_connect) \
	W(ssize_t, __send, (int fd, const void *buf, size_t n, int flags), (fd, buf, n, flags), SYS_sendto) \
	W(int, __sched_yield, (void), (), SYS_sched_yield) \
	W(int, __sched_setscheduler, (pid_t pid, int policy, const struct sched_param *param), \
	  (pid, policy, param), SYS_sched_setscheduler) \
	W(int, __sched_getscheduler, (pid_t pid), (pid), SYS_sched_getscheduler) \
	W(int, __sched_getparam, (pid_t pid, struct sched_param *param), (pid, param), SYS_sched_getparam) \
	W(int, __sched_get_priority_max, (int algorithm), (algorithm), SYS_sched_get_priority_max) \
	W(int, __sched_get_priority_min, (int algorithm), (algorithm), SYS_sched_get_priority_min) \
	N(pid_t, __getpid, (void), (), SYS_getpid) \
	W(pid_t, __getpgid, (pid_t pid), (pid), SYS_getpgid) \
	W(int, __setpgid, (pid_t pid, pid_t pgid), (pid, pgid), SYS_setpgid) \
	W(int, __sigaction, (int sig, const struct sigaction *act, struct sigaction *oact), (sig, act, oact), SYS_rt_sigaction) \
	W(int, __sigsuspend, (const sigset_t *set), (set), SYS_rt_sigsuspend) \
	W(int, __nanosleep, (const struct timespec *requested_time, struct timespec *remaining), \
	  (requested_time, remaining), SYS_clock_nanosleep) \
	W(int, __pipe, (int pipedes[2]), (pipedes), SYS_pipe2) \
	W(int, __xstat, (int version, const char *file, struct stat *buf), (version, file, buf), SYS_newfstatat) \
	W(int, __lxstat, (int version, const char *file, struct stat *buf), (version, file, buf), SYS_newfstatat) \
	W(int, __fxstat, (int version, int fd, struct stat *buf), (version, fd, buf), SYS_newfstatat) \
	W(int, __fxstatat, (int version, int fd, const char *file, struct stat *buf, int flag), \
	  (version, fd, file, buf, flag), SYS_newfstatat) \
	W(int, __xstat64, (int version, const char *file, struct stat64 *buf), (version, file, buf), SYS_newfstatat) \
	W(int, __lxstat64, (int version, const char *file, struct stat64 *buf), (version, file, buf), SYS_newfstatat) \
	W(int, __fxstat64, (int version, int fd, struct stat64 *buf), (version, fd, buf), SYS_newfstatat) \
	W(int, __fxstatat64, (int version, int fd, const char *file, struct stat64 *buf, int flag), \
	  (version, fd, file, buf, flag), SYS_newfstatat) \
	W(int, __xmknod, (int version, const char *path, mode_t mode, dev_t *dev), (version, path, mode, dev), SYS_mknodat) \
	W(int, __xmknodat, (int version, int fd, const char *path, mode_t mode, dev_t *dev), (version, fd, path, mode, dev), SYS_mknodat)

#endif
