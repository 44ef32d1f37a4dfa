# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: redis-server redis-benchmark redis-cli
# redis-server over a unix socket: load, a background save in a forked child, a restart from what it saved. The dump
# holds its time and memory use, the log its times: they vary by themselves, so the data set's digest is compared.
# threads: alive at exit
# leaves-out: *.rdb
# leaves-out: *.log
ask() { redis-cli -s "$PWD/socket" "$@"; }
begin() {
	redis-server --port 0 --unixsocket "$PWD/socket" --dir "$PWD" --save '' --enable-debug-command yes \
		--logfile redis.log &
	until ask ping 2>/dev/null | grep -q PONG; do sleep 0.1; done
}
begin
redis-benchmark -s "$PWD/socket" -q -n 20000 -c 20 -t set,get,incr,lpush,hset,zadd | tr '\r' '\n' |
	sed -n 's/: .*requests per second.*//p' | sort -u
for ((i = 0; i < 2000; i++)); do echo "set key:$i value-$i-$((i * 7919 % 10007))"; done | ask | sort | uniq -c
ask bgsave
until ask info persistence | grep -q 'rdb_bgsave_in_progress:0'; do sleep 0.1; done
ask info persistence | grep -a rdb_last_bgsave_status
ask dbsize
ask debug digest
ask shutdown nosave
wait
echo "status $?"
begin
ask dbsize
ask debug digest
ask shutdown nosave
wait
echo "status $?"
rm -f socket
