# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lost: 1
# needs: setpriv chroot
# The commands that change what a program inherits: env, timeout, nohup, chroot, setpriv, nice, stdbuf.
# images: exact
# varies: s,line [0-9]*: *[0-9]* Killed,line N: PID Killed,
show() {
	"$@"
	echo "$1: status $?"
}
show env -i ONE=1 env
show env -u HOME -C / pwd
show env --ignore-signal=TERM bash -c 'trap; kill -TERM $$; echo alive'
show timeout 100 sh -c 'exit 4'
show timeout 0.2 sleep 100
show timeout -s KILL 0.2 sleep 100
show timeout --preserve-status 0.2 sleep 100
show timeout --foreground 100 cat /dev/null
show nohup sh -c 'trap; echo under nohup; kill -HUP $$; echo alive' 2>/dev/null
show chroot / /bin/echo in a root
show chroot /does/not/exist /bin/true
show setpriv --nnp sh -c 'grep NoNewPrivs /proc/self/status'
show setpriv --reuid=65534 --regid=65534 --clear-groups id
show setpriv --reuid=65534 --clear-groups --inh-caps=-all sh -c 'echo $$ >/dev/null; id -u'
show nice -n 5 nice
show stdbuf -o0 sh -c 'echo unbuffered; env | grep -c ^LD_PRELOAD'
show env printenv
show mktemp -u /does/not/exist.XXXX | sed 's/exist\..*/exist/'
