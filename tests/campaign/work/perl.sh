# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: perl
# perl: regular expressions, hashes, sorting, fork, pipes, signals, local sockets, eval and die.
# images: exact
perl - "$INPUTS/lines" <<'END'
use strict; use warnings; use IO::Handle; use Socket; use POSIX;
my (%count, @all);
open my $in, '<', $ARGV[0] or die;
while (<$in>) { my ($n, $w, $i) = split; $count{$w}++; push @all, $n if $i % 10 == 0; }
print scalar(keys %count), " ", scalar(grep { /7{2}/ } keys %count), " ", (sort { $a <=> $b } @all)[0, -1], "\n";
print join(",", map { "$_=$count{$_}" } (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 4]), "\n";
open my $out, '>', 'sorted' or die; print $out "$_\n" for sort { $a <=> $b } @all; close $out;
socketpair(my $one, my $two, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die; $_->autoflush(1) for $one, $two;
my $pid = fork; if (!$pid) { close $one; my $line = <$two>; print $two uc $line; exit 5; }
close $two; print $one "to a child\n"; print scalar <$one>; waitpid $pid, 0; print $? >> 8, "\n";
open my $pipe, '-|', 'sort -rn sorted | head -n 3' or die; print <$pipe>; close $pipe;
my $got = 0; local $SIG{USR1} = sub { $got++ }; kill USR1 => $$ for 1 .. 3;
print "signals ", $got > 0 ? "seen" : "lost", "\n";
eval { die { code => 42 } }; print $@->{code}, "\n"; print `echo from a shell`; print system('exit 3') >> 8, "\n";
my $text = join '', map { chr(97 + $_ % 26) } 1 .. 100000; $text =~ s/(a.c)/<$1>/g; print length $text, "\n";
exit 6;
END
echo "status $?"
