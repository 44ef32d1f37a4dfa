# The summary as one table of plain text. Time and resident memory are ratios to the bare program; bare shows seconds and MiB.
def left($n): tostring | . + " " * ([$n - length, 0] | max);
def right($n): tostring | " " * ([$n - length, 0] | max) + .;
def fixed($digits): if . == null then "-" else
	(. < 0) as $negative | (if $negative then - . else . end) * pow(10; $digits) + 0.5 | floor | tostring
	| (if length <= $digits then "0" * ($digits + 1 - length) + . else . end)
	| (if $digits == 0 then . else .[:length - $digits] + "." + .[length - $digits:] end) | (if $negative then "-" else "" end) + . end;
def cell: if .tool == "bare" then ((.wall_ns / 1e9 | fixed(3)) + " s" | right(10)) + ((.resident_bytes / 1048576 | fixed(1)) + " MiB" | right(11))
	elif .works | not then "fails" | right(18)
	else (.time_ratio | fixed(2) | right(10)) + (.resident_ratio | fixed(2) | right(8)) end;

[.programs[].tools[].tool] as $all | [ "bare", "pagegap", "preload", "memusage", "heaptrack" | select(. as $t | $all | index($t)) ] as $tools
| "\(.cpu), Linux \(.kernel)",
  "Medians of wall time and of the largest process's peak resident memory (heaptrack: often its interpreter); a tool's are ratios to the bare program's.",
  "\"fails\": the program does not work under that tool.",
  "",
  ("" | left(18)) + ($tools | map(if . == "bare" then right(21) else right(18) end) | add),
  (.programs[] | .tools as $cells | (.program | left(18)) + ($tools | map(. as $t | ($cells | map(select(.tool == $t)) | .[0]) as $c
	| if $c == null then "-" | right(18) else $c | cell end) | add)
	+ "   bare varied by " + ($cells | map(select(.tool == "bare")) | .[0] // null
		| if . == null then "?" else (.wall_ns_highest - .wall_ns_lowest) / .wall_ns * 100 | fixed(0) + " %" end)),
  "",
  (.totals[] | select(.tool != "bare") | "\(.tool): time \(.time_geometric_mean | fixed(3)) (geometric mean of \(.programs) programs), " +
	"worst \(.time_worst | fixed(2)) (\(.time_worst_program)); resident \(.resident_geometric_mean | fixed(3)), worst \(.resident_worst | fixed(2))"),
  (.programs[] | select(.program == "true") | .tools[] | select(.tool != "bare") | "\(.tool): a start and exit of /bin/true takes \(.more_ns / 1e6 | fixed(2)) ms more"),
  ([.programs[] | select(.program == "malloc" or .program == "malloc_2_threads")] | select(length == 2)
	| .[0].tools as $one | .[1].tools[] | . as $two | $one[] | select(.tool == $two.tool)
	| "\(.tool): a second thread of malloc and free takes \($two.wall_ns / .wall_ns | fixed(2)) of the time of one"),
  ([.programs[].tools[] | select(.recorded_bytes > 0) | .recorded_bytes] | select(length > 0)
	| "largest capture of one process: \(max / 1024 | fixed(0)) KiB on disk")
