# SPDX-License-Identifier: MIT
# Compares what cow_generated knows with what pagegap reports; prints what is wrong, one line each, and nothing when
# all is right. Called with --slurpfile report, --slurpfile truth, --arg how (--cow) and --arg faults (the options that
# pagegap run was given).
#
# A figure of copied pages may be off by what the report says of itself (bound_pages), over all rows together; every
# other figure is as the program knows it, or null. Rows that the program does not have for itself may hold more.

def rows: ["anon", "heap", "file", "stack"];
def more_pages: {anon: 0, heap: 64, file: 0, stack: 64}; # of each fork
def other_rows: 400; # pages of images, pagegap and the kernel, of each fork
def above_zero: if . > 0 then . else 0 end;
def sum: add // 0;
def name: "\(.side) of the fork of \(.fork)";

def wrong_amount($what; $value; $low; $high):
	if $value == null or ($value >= $low and $value <= $high) then empty
	else "\($what) is \($value), expected \($low)\(if $high != $low then " … \($high)" else "" end)" end;

# Pages of huge pages of which it is not told one by one who shares them: smaps tells, of a process that never forked.
def pieces($row): if .forked or $how == "pagemap" then .pieces[$row] else 0 end;

# Was it known of a child which pages it wrote?
def watched($child):
	any($report[0].processes[] | select(.pid == $child) | .cow.forks[]? | select(.side == "child");
		.unshared_pages != null);

# Of a child that was watched, what it had written before it let it go is copied, not gone.
def gone($row): .gone[$row] - (if watched(.fork) then .written_gone[$row] else 0 end);

def wrong_fork($cow):
	. as $truth
	| ($cow.forks | map(select(.child_pid == $truth.fork and .side == $truth.side)) | first) as $seen
	| if $seen == null then (if .killed then empty else "\(name) is not there" end)
	elif .killed then empty
	else
		wrong_amount("\(name) still shared"; $seen.still_shared_pages; (.still_shared | add) - pieces("anon");
			(.still_shared | add) + pieces("anon") + other_rows),
		wrong_amount("\(name) gone"; $seen.gone_pages; [gone(rows[])] | add; infinite),
		(if $seen.copied_pages == null then
			(if .outlived or $cow.method == "smaps" then empty else "\(name) is unknown" end)
		elif $seen.bound_pages == null then empty
		else
			wrong_amount("\(name) copied, at most \($seen.bound_pages) off,"; $seen.copied_pages;
				([.copied[][0]] | add) - $seen.bound_pages;
				([.copied[][1]] | add) + other_rows + $seen.bound_pages)
		end)
	end;

# What a row of the report must hold: the sums over the forks that it knows. @once: copies of the process, each once.
def expected($row; $cow; $known; $once):
	{
		row: $row, seen: $cow.by_row[$row], room: (($known | length) * more_pages[$row]),
		low: ([[$known[].copied[$row][0]] | sum, $once[$row]] | max),
		high: ([$known[].copied[$row][1]] | sum),
		not_shared: ([$known[] | .inherited[$row] - .still_shared[$row] - .gone[$row]] | sum),
		reused_low: ([$known[].reused[$row][0]] | sum), reused_high: ([$known[].reused[$row][1]] | sum),
		inherited: ([$known[].inherited[$row]] | sum), still_shared: ([$known[].still_shared[$row]] | sum),
		unshared: ([$known[].unshared[$row]] | sum), gone: ([$known[] | gone($row)] | sum),
		pieces: ([$known[] | pieces($row)] | sum)
	} | if $how == "pagemap" then .room += ([$known[].zero[$row]] | sum) else . end;

def wrong_row:
	(("inherited", "gone") as $figure
		| wrong_amount("\(.row) \($figure)"; .seen["\($figure)_pages"]; .[$figure]; .[$figure] + .room)),
	wrong_amount("\(.row) still shared"; .seen.still_shared_pages; .still_shared - .pieces;
		.still_shared + .pieces + .room),
	wrong_amount("\(.row) unshared"; .seen.unshared_pages; .unshared - .pieces; .unshared + .pieces + .room);

# Whatever goes, goes by calls that tell whose it was: what was copied is in some row.
def wrong_sum:
	[.by_row | del(.["heap.live"], .["heap.slack"], .["heap.free"])[] | .copied_pages] as $rows
	| if .copied_pages == null or any($rows[]; . == null) then empty
	else wrong_amount("copied in all rows"; $rows | add; .copied_pages; .copied_pages) end;

def wrong_copied($bound):
	([.[] | .low - .seen.copied_pages | above_zero] | sum) as $missing
	| ([.[] | .seen.copied_pages - .high - .room | above_zero] | sum) as $excess
	| if $missing <= $bound and $excess <= $bound then empty
	else "copied \($missing) too few and \($excess) too many, said to be at most \($bound) off: "
		+ (map("\(.row) \(.seen.copied_pages) of \(.low) … \(.high)") | join(", ")) end;

# Where nothing tells who wrote, of none of its forks, what is no longer shared is told, whoever copied it.
def wrong_either:
	wrong_amount("\(.row) no longer shared"; .seen.copied_pages; .not_shared - .pieces;
		.not_shared + .pieces + .room);

def wrong_rows($cow; $forks; $once):
	[$forks[] | . as $truth | select($cow.forks
		| any(.child_pid == $truth.fork and .side == $truth.side and .copied_pages != null))] as $known
	| (if ($known | length) == ($forks | length) then $once else {} end) as $each_once
	| (rows | map(. as $row | expected($row; $cow; $known; $each_once))) as $rows
	| if ($known | length) == 0 then empty else
		($rows[] | wrong_row),
		(if $cow.order == "samples" or any($known[]; watched(.fork)) then empty
		else $rows[] | wrong_either end),
		(if any($rows[]; .seen.copied_pages == null) or $cow.bound_pages == null then empty
		else $rows | wrong_copied($cow.bound_pages) end),
		(if any($rows[]; .seen.reused_pages == null) or $cow.bound_pages == null then empty
		else $rows[] | wrong_amount("\(.row) re-used"; .seen.reused_pages; .reused_low - $cow.bound_pages;
			.reused_high + .room + $cow.bound_pages) end)
	end;

def wrong_cow($seen; $forks; $once):
	if $how == "off" then (if $seen == null then empty else "copy-on-write is told although it is off" end)
	elif ($forks | length) == 0 then empty
	elif $seen == null then (if all($forks[]; .killed) then empty else "no copy-on-write is told" end)
	else
		(if $seen.exact and ($seen.bound_pages != 0 or $seen.unknown_forks != 0)
		then "exact, although it is not" else empty end),
		($forks[] | wrong_fork($seen)),
		($seen | wrong_sum),
		(if any($forks[]; .killed) then empty else wrong_rows($seen; $forks; $once) end)
	end;

# The kernel's count of a process that was waited for, but for faults that the kernel takes for it as it ends; of the first one
# what it counted itself, and what came after that.
def wrong_count($sum):
	if $sum == null then (if .killed then empty else "its faults are not known" end)
	elif .killed then wrong_amount("faults"; $sum; 0; .usage[1])
	elif .name == 0 then wrong_amount("faults"; $sum; .usage[0]; .usage[0] + 64)
	else wrong_amount("faults"; $sum; .usage[1] - 2; .usage[1]) end;

# The first process has the model in shared memory, each the plan; the stack may be probed before it is touched; and a
# processor that has not heard yet that a page may be written faults once more.
def wrong_placing($seen):
	. as $truth
	| {anon: 2, heap: 64, file: (if .name == 0 then 1000 else 64 end), stack: 64} as $more
	| rows[] as $row
	| wrong_amount("faults in \($row)"; $seen.by_row[$row] | .minor + .major;
		if $seen.method != "all" or .killed or $row == "stack" then 0 else .faults[$row][0] end;
		.faults[$row][1] + $more[$row]);

def wrong_faults($seen):
	(if $seen.minor == null or $seen.major == null then null else $seen.minor + $seen.major end) as $sum
	| wrong_count($sum),
	(if $seen.method == "counts" then
		(if $seen.by_row == null and $seen.attributed == null then empty else "counted faults are placed" end)
	else
		wrong_amount("lost samples"; $seen.lost; 0; 0),
		wrong_placing($seen),
		(if $seen.in_kernel == null then
			(if $seen.method == "all" and (.killed | not)
			then "faults in the kernel are not known" else empty end)
		else
			wrong_amount("attributed, in the kernel and lost";
				$seen.attributed + $seen.in_kernel + $seen.lost; $sum; $sum),
			(if .killed then empty
			else wrong_amount("in_kernel"; $seen.in_kernel; .in_kernel[0]; .in_kernel[1] + 300) end)
		end)
	end),
	(if ($faults == "off" or $faults == "count") and $seen.method != "counts"
	then "faults are sampled" else empty end),
	(if $faults == "all" and $seen.method != "all" then "not all faults are sampled" else empty end);

$truth[] | select(.process) | . as $of
| ([$report[0].processes[] | select(.pid == $of.process)] | last) as $process
| "process \(.name) (\(.process)): " + (
	if $process == null then "is not in the report"
	else wrong_cow($process.cow; [$truth[] | select(.fork and .pid == $of.process)]; .copied_once),
		wrong_faults($process.faults) end)
