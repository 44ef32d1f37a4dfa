#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# Lays the calls that decode_tracer printed beside those of `strace -ff -o PREFIX`, process by process and call by call. What differs between
# two runs of the same program is made alike first: addresses, identities of processes, times, and what is random.
#   decode_judge.pl PREFIX FILE     prints what differs, "-" strace's and "+" ours; the last line says how many calls were equal
use strict;
use warnings;

my ($prefix, $ours) = @ARGV;
my @sides;

my @files = sort { ($a =~ /(\d+)$/)[0] <=> ($b =~ /(\d+)$/)[0] } glob("'$prefix'.*");
$sides[0] = { order => [], lines => {} };
for my $file (@files) {
	my ($pid) = $file =~ /(\d+)$/;
	open my $in, '<', $file or die "$file: $!";
	push @{$sides[0]{order}}, $pid;
	$sides[0]{lines}{$pid} = [map { chomp; $_ } <$in>];
}
$sides[1] = { order => [], lines => {} };
open my $in, '<', $ours or die "$ours: $!";
while (<$in>) {
	chomp;
	my ($pid, $line) = /^(\d+) (.*)$/ or next;
	push @{$sides[1]{order}}, $pid unless $sides[1]{lines}{$pid};
	push @{$sides[1]{lines}{$pid}}, $line;
}
$sides[1]{order} = [sort { $a <=> $b } @{$sides[1]{order}}];

sub normal {
	my ($line, $pids) = @_;

	$line =~ s/\)\s+= /) = /;
	return undef if $line =~ /^\+\+\+/;
	# Accepted: which signals are blocked again stands in the frame on the stack, of which the call's arguments say nothing; and its result
	# is what the register held when the signal came.
	$line =~ s/^rt_sigreturn\(.*/rt_sigreturn/;
	$line =~ s/\b(\d+)\b/exists $pids->{$1} ? "PID$pids->{$1}" : $1/ge;
	$line =~ s/0x[0-9a-f]{7,}/ADDRESS/g unless $line =~ /^(ioctl|reboot)/;
	# Times go on, and what is left of one does too.
	$line =~ s/(tv_sec=|tv_usec=|tv_nsec=)-?\d+/$1N/g if $line =~ /^(clock_gettime|gettimeofday|getrusage|wait4|waitid|getitimer|timer_gettime|timerfd_gettime|setitimer|timer_settime)/;
	$line =~ s/(tv_sec=|tv_nsec=)-?\d+/$1N/g if $line =~ /^(futex|clock_nanosleep.*TIMER_ABSTIME)/ && $line =~ /tv_sec=\d{4}/;
	$line =~ s/f_handle="[^"]*"/f_handle=N/;
	# Identities of System V, which are never given twice.
	$line =~ s/^((?:shm|sem|msg)(?!get)[a-z]+\()\d+/$1ID/;
	$line =~ s/ = \d+$/ = ID/ if $line =~ /^(shm|sem|msg)get\(/;
	# A port that the kernel chose.
	$line =~ s/htons\((3[2-9]|4\d|5\d|60)\d\d\d\)/htons(N)/g;
	$line =~ s/left \{tv_sec=\d+, tv_([un])sec=\d+\}/left {N}/;
	$line =~ s#(si_utime|si_stime)=\d+( /\* \d+\.\d+ s \*/)?#$1=N#g;
	$line =~ s#(tms_\w+=\d+) /\* \d+\.\d+ s \*/#$1#g; # strace has it where it is not 0
	$line =~ s/\d+/N/g if $line =~ /^(sysinfo|times|getppid|adjtimex|clock_adjtime|time|getcpu)\(/;
	$line =~ s/(f_blocks|f_bfree|f_bavail|f_files|f_ffree)=\d+/$1=N/g;
	$line =~ s/(_[a-z]time)=\d+/$1=N/g if $line =~ /^(shm|sem|msg)ctl/;
	$line =~ s/"(\\x[0-9a-f]{2})+"(?=[.,])/RANDOM/ if $line =~ /^getrandom/;
	return $line;
}

# Differences that are accepted: what strace's line has to look like, and why ours is another.
my @accepted = (
	[qr/^restart_syscall\(</ => 'which call is continued: strace remembers, the log does not'],
	[qr/^syscall_0x/ => 'calls that are younger than strace 6.1'],
	[qr/^(getpmsg|putpmsg|afs_syscall|tuxcall|security|vserver|epoll_ctl_old|epoll_wait_old)\(/ => 'calls that never were have no arguments'],
	[qr/\b(MSG_(SENDPAGE_NOTLAST|NO_SHARED_FRAGS|CMSG_COMPAT)|POLL_BUSY_LOOP|RUSAGE_BOTH|F_[GS]ETLKW?64|F_CANCELLK|CLOCK_SGI_CYCLE|SCHED_ISO|
		SWAP_FLAG_DISCARD_(ONCE|PAGES)|PKEY_DISABLE_EXECUTE|FAN_DIR_MODIFY|Q_V[12]_\w+|SOL_(IPX|AX25|ATALK|NETROM|ROSE|CAN_RAW)|IPV6_USE_MIN_MTU|
		TCP_COOKIE_TRANSACTIONS|IPPROTO_L2TP|IP6T_SO_\w+|SO_VM_SOCKETS_\w+|AX25_P_|IRDAPROTO_|ISDN_P_|PR_MTE_TCF|PR_SYS_DISPATCH|PR_MCE_KILL_LATE|AF_RXRPC, 0, AF_|EBT_SO_|LOGLEVEL_|PR_MCE_KILL_CLEAR)/x => 'names that no header of this system has'],
	[qr/^[gs]etsockopt\(\d+, (?!SOL_(SOCKET|IP|IPV6|TCP|UDP|NETLINK|PACKET),)/ => 'options of rare protocols: by number'],
	[qr/^getsockopt\(\d+, SOL_\w+, (IPT?6?T_)?\w*SO_GET/ => 'numbers that have one name for setsockopt and another for getsockopt'],
	[qr/^sched_\w+\(.*0x[4-7c-f][0-9a-f]{7} |^sched_\w+\(.*ADDRESS \/\* SCHED_/ => 'ours knows SCHED_RESET_ON_FORK'],
	[qr/^fsmount\(.*(0x|ADDRESS)/ => 'ours knows more of MOUNT_ATTR_*'],
	[qr/^mq_(open|unlink)\("[^"]{33}/ => 'a queue\'s name is a text, which is cut'],
	[qr/^perf_event_open\(\{/ => 'the attributes of a counter are abridged more'],
	[qr/^bpf\(BPF_\w+, \{/ => 'so are those of BPF'],
	[qr/^epoll_pwait2\(.*, ADDRESS, ADDRESS, \d+\) = -1/ => 'the timeout is known even if the call fails'],
	[qr/^ptrace\(PTRACE_(PEEK|POKE)USER,/ => 'registers of another process, by their offset'],
	[qr/\/\* bytes \d+\.\.\d+ \*\// => 'bytes that a structure has behind its fields'],
	[qr/\b(nlmsg_len|nla_len)=/ => 'messages of netlink are shown as bytes'],
	[qr/^keyctl\(/ => 'keys are rare: what most commands have is shown as numbers'],
	[qr/^fcntl\(\d, 0x40[b-e] / => 'ours knows F_GET_RW_HINT and its like'],
	[qr/f_handle=\?\?\?/ => 'a handle that ends in nowhere is shown by its address'],
	[qr/^prctl\(PR_SET_PDEATHSIG, \d{7,}/ => 'a signal is an int'],
	[qr/^(sem|msg|shm)get\(.*(ADDRESS|0x[0-9a-f]+)\) = / => 'strace leaves out the | before the permissions'],
	[qr/\b(BTPROTO_|XFEATURE_|PR_SPEC_|PR_SET_MM_|CAN_\?\?\?)/ => 'words of rare things'],
	[qr/\[\d+, \.\.\. \/\* ADDRESS/ => 'two descriptors of which one is not there'],
	[qr/^getcwd\(.*\) = 0$/ => 'a directory whose name has no bytes'],
	[qr/^msgrcv\(/ => 'a message is as long as the result says, not as there was room for'],
	[qr/^sched_getattr\(.*, (3|16), \d\) = 0$/ => 'attributes longer than the room for them'],
	[qr/^io_uring_setup\(.*resv=/ => 'fields that are reserved'],
	[qr/FUTEX_OP_\?\?\?/ => 'where in an operation the comment stands'],
	[qr/c_[ilo]flag=, |\|, c_/ => 'strace leaves out a 0, or leaves a | without anything behind it'],
	[qr/^(shm|sem|msg)ctl\(.*, (IPC|SHM|MSG|SEM)_INFO, / => 'limits of the system are shown by their address'],
	[qr/, MCAST_\w+, ADDRESS/ => 'groups that are too short are shown as bytes'],
	[qr/^socket\(AF_(?!INET|INET6|NETLINK|PACKET|UNIX|UNSPEC)/ => 'protocols of rare families'],
	[qr/^[gs]etsockopt\(\d, SOL_\w+, [^,]+, \[-?\d+\], (\[16\]|16)\)/ => 'an option that is an int and has another length'],
	[qr/^prctl\(PR_SCHED_CORE/ => 'words of rare commands'],
	[qr/^ioctl\(\d, (SIOCGIFCONF|FITRIM|TC[GS]ETA|SIOC[GS]IFMAP|FS_IOC_FS[GS]ETXATTR), |^ioctl\(.* or TC[GS]ETA/ => 'structures of rare requests are shown by their address'],
	[qr/, SO_ATTACH_(FILTER|REUSEPORT_CBPF), |SOCK_TXREHASH_|^getsockopt\(\d, SOL_NETLINK, 0|IPV6_\w+_MEMBERSHIP, ADDRESS|IPV6_\w+_ANYCAST|SOL_PACKET, PACKET_/ => 'values of rare options'],
	[qr/^prctl\(PR_(PAC_|S[VM]E_|SET_FP_MODE|GET_UNALIGN|GET_TSC|GET_FP|SET_UNALIGN|SET_FPE|SET_TIMING|SET_ENDIAN|SET_SECUREBITS|MCE_KILL|SET_TAGGED|CAP_AMBIENT|SET_SPEC)/ => 'numbers of rare commands'],
	[qr/ifr_hwaddr=\{sa_family=(ARPHRD_NETROM|0x)|NETLINK_LIST_MEMBERSHIPS, \[/ => 'addresses of other hardware than Ethernet, lists of groups'],
	[qr/^kexec_file_load\(/ => 'its text is read to its 0, not by its length'],
	[qr/^fsconfig\(.*FSCONFIG_SET_BINARY/ => 'a value whose length is the argument behind it'],
);
my %used;

sub is_accepted {
	my ($theirs) = @_;
	for (@accepted) {
		if ($theirs =~ $_->[0]) {
			$used{$_->[1]}++;
			return 1;
		}
	}
	return 0;
}

# The program begins when its first execve succeeds; what the tracer itself did before that is not its.
sub begun {
	my @lines = @_;
	my $i = 0;
	$i++ while $i < @lines && $lines[$i] !~ /^execve\(.*\) = 0$/;
	return @lines[$i .. $#lines];
}

for my $side (@sides) {
	my %pids;
	@pids{@{$side->{order}}} = (1 .. @{$side->{order}});
	$side->{normal} = [map { [grep { defined } map { normal($_, \%pids) } @{$side->{lines}{$_}}] } @{$side->{order}}];
	$side->{normal}[0] = [begun(@{$side->{normal}[0]})] if @{$side->{normal}};
	# A signal of another process comes when it comes: signals are compared in their order, behind the calls.
	for my $lines (@{$side->{normal}}) {
		my $signals = qr/^(---|rt_sigreturn)/;
		$lines = [(grep { $_ !~ $signals } @$lines), (grep { /^---/ } @$lines), (grep { /^rt_sigreturn/ } @$lines)];
	}
}

my ($total, $different, $allowed) = (0, 0, 0);
printf "%s %d processes\n", $_, scalar @{$sides[$_ eq '+']{order}} for @{$sides[0]{order}} == @{$sides[1]{order}} ? () : ('-', '+');
for my $i (0 .. @{$sides[0]{order}} - 1) {
	my @theirs = @{$sides[0]{normal}[$i]};
	my @mine = @{$sides[1]{normal}[$i] // []};
	$total += @theirs;
	if (@theirs != @mine) {
		printf "- process %d: %d lines\n+ process %d: %d lines\n", $i + 1, scalar @theirs, $i + 1, scalar @mine;
		$different++;
	}
	for my $k (0 .. (@theirs < @mine ? $#theirs : $#mine)) {
		next if $theirs[$k] eq $mine[$k];
		if (is_accepted($theirs[$k])) {
			$allowed++;
		} else {
			$different++;
			print "- $theirs[$k]\n+ $mine[$k]\n";
		}
	}
}
print "  accepted $used{$_}: $_\n" for sort keys %used;
print "$total calls, $different different, $allowed accepted\n";
exit($different || $total < 3 || @{$sides[0]{order}} != @{$sides[1]{order}} ? 1 : 0);
