# SPDX-License-Identifier: MIT
# Compares what oracle programs expect (see oracle.h) with what pagegap reports, one line for each expectation.
# Called with --slurpfile report (one JSON report) and --slurpfile lines (what the program printed), --arg program NAME.
#
# Figures: of a process, a path such as "heap.allocations" or "refused.requests.0.count"; of a snapshot, "vm_size_bytes" and the
# like, "ROW mapped" (the row's mapped_bytes; or resident, dirty, shared, swap, huge), "heap mapped" (the three heap
# rows together), "allocator mapped" (what the allocator says; or live_usable, unnamed), "part NAME" (of heap.free, by
# the allocator's account), "sum mapped" (all rows and what is unexplained), "rows mapped" (all rows alone), "fill N" (pages in
# the bucket that begins at N percent).

def amount($rows; $column): $rows | map(.[$column + "_bytes"]) | if any(. == null) then null else add end;

def of_snapshot($figure):
	. as $snapshot
	| ($figure / " ") as $words
	| if ($words | length) == 1 then .[$figure]
	elif $words[0] == "allocator" then .allocator | if . == null then null else .[$words[1] + "_bytes"] end
	elif $words[0] == "part" then
		.allocator | if . == null then null else .free[] | select(.part == $words[1]).mapped_bytes end
	elif $words[0] == "fill" then
		(.page_fill // []) | map(select(.from_percent == ($words[1] | tonumber))) | .[0].pages
	elif $words[0] == "heap" then amount(.rows | map(select(.row | startswith("heap."))); $words[1])
	elif $words[0] == "rows" then amount(.rows; $words[1])
	elif $words[0] == "sum" then
		amount(.rows; $words[1]) as $rows | $snapshot["unexplained_" + $words[1] + "_bytes"] as $rest
		| if $rows == null or $rest == null then null else $rows + $rest end
	else amount(.rows | map(select(.row == $words[0])) ; $words[1]) end;

def snapshot($at):
	if $at == "highest" then .snapshots | max_by(.rss_bytes)
	elif $at | startswith("mark:") then .snapshots | map(select(.why == "mark" and .name == $at[5:])) | last
	else .snapshots | map(select(.why == $at)) | last end;

def figure($at; $figure):
	if $at == "process" then getpath($figure / "." | map(tonumber? // .))
	else snapshot($at) as $found | if $found == null then null else $found | of_snapshot($figure) end end;

$report[0] as $report
| $lines[]
| . as $expected
| if has("holds") then "\(if .holds then "ok" else "not ok" end) - \($program): \(.what)" else
select(.figure)
| ([$report.processes[] | select(.pid == $expected.pid)] | first) as $process
| (if $process == null then null else $process | figure($expected.at; $expected.figure) end) as $now
| (if $expected.since == null or $process == null then 0
	else $process | figure($expected.since; $expected.figure) end) as $before
| (if $now == null or $before == null then null else $now - $before end) as $value
| "\($expected.figure) at \($expected.at)\(if $expected.since then " since " + $expected.since else "" end)" as $where
| (if $expected.low == $expected.high then "\($expected.low)"
	else "\($expected.low) … \($expected.high)" end) as $wanted
| if $process == null then "not ok - \($program): \($expected.what): no process \($expected.pid) in the report"
elif $value == null then "not ok - \($program): \($expected.what): \($where) is missing or null, expected \($wanted)"
elif $value < $expected.low or $value > $expected.high then
	"not ok - \($program): \($expected.what): \($where) is \($value), expected \($wanted)\(
		if $expected.low != $expected.high then "" else ", off by \($value - $expected.low)" end)"
else "ok - \($program): \($expected.what) (\($value))" end
end
