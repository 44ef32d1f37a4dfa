# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# ends: exit 9
# bash: pipes, traps, subshells, jobs, here documents, process substitution, coprocesses, killed children.
# images: exact
trap 'echo "exit trap, status $?"' EXIT
trap 'echo "got USR1"' USR1
kill -USR1 $$
(trap 'echo subshell leaves' EXIT; exit 4)
echo "status $?"
seq 1 1000 | while read -r n; do ((n % 100)) || echo "$n"; done | tac | paste -sd,
false | true | false
echo "pipe status ${PIPESTATUS[*]}"
sleep 100 &
until read -r name <"/proc/$!/comm" && [[ $name == sleep ]]; do :; done # no shell any more
kill -TERM $!
wait $! 2>/dev/null
echo "killed: $?"
diff <(seq 1 5) <(seq 2 6)
coproc cat
echo "to a coprocess" >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
echo "$line"
eval "exec ${COPROC[1]}>&-"
wait
for ((i = 0; i < 100; i++)); do /bin/true; x=$(printf %d $i); done
echo "$x"
yes | head -n 3
cat <<END | tr abcdefgh ABCDEFGH >written
here $((6 * 7))
END
cat written
trap - USR1
exit 9
