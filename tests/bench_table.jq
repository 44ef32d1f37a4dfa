# The summary as one table of plain text. Time and resident memory are ratios to the bare program; bare shows seconds
# and MiB.
def left($n): tostring | . + " " * ([$n - length, 0] | max);
def right($n): tostring | " " * ([$n - length, 0] | max) + .;
def fixed($digits):
	if . == null then "-" else
		(if . < 0 then "-" else "" end) as $sign
		| (fabs * pow(10; $digits) + 0.5 | floor | tostring)
		| (if length <= $digits then "0" * ($digits + 1 - length) + . else . end)
		| $sign + (if $digits == 0 then . else .[:length - $digits] + "." + .[length - $digits:] end)
	end;
def of($tool): map(select(.tool == $tool)) | first;
def width: if . == "bare" then 21 else 18 end;
def cell:
	if . == null then ""
	elif .tool == "bare" then
		((.wall_ns / 1e9 | fixed(3)) + " s" | right(10)) + ((.resident_bytes / 1048576 | fixed(1)) + " MiB" | right(11))
	elif .works then (.time_ratio | fixed(2) | right(10)) + (.resident_ratio | fixed(2) | right(8))
	else "fails" end;
def spread: if . == null then "?" else (.wall_ns_highest - .wall_ns_lowest) / .wall_ns * 100 | fixed(0) + " %" end;

[.programs[].tools[].tool] as $all
| [("bare", "ledger", "pagegap", "preload", "memusage", "heaptrack") | select(IN($all[]))] as $tools
| "\(.cpu), Linux \(.kernel)",
  "Medians of wall time and of the largest process's peak resident memory (heaptrack: often its",
  "interpreter's); a tool's are ratios to the bare program's. \"fails\": it does not work under that tool.",
  "",
  ("" | left(18)) + ($tools | map(right(width)) | add),
  (.programs[] | .tools as $cells
   | (.program | left(18)) + ($tools | map(. as $tool | $cells | of($tool) | cell | right($tool | width)) | add) +
     "   bare varied by " + ($cells | of("bare") | spread)),
  "",
  (.totals[] | select(.tool != "bare")
   | "\(.tool): time \(.time_geometric_mean | fixed(3)) (geometric mean of \(.programs) programs), " +
     "worst \(.time_worst | fixed(2)) (\(.time_worst_program)); " +
     "resident \(.resident_geometric_mean | fixed(3)), worst \(.resident_worst | fixed(2))"),
  (.programs[] | select(.program == "true") | .tools[] | select(.tool != "bare")
   | "\(.tool): a start and exit of /bin/true takes \(.more_ns / 1e6 | fixed(2)) ms more"),
  ([.programs[] | select(.program | IN("malloc", "malloc_2_threads"))] | select(length == 2)
   | .[0].tools as $one | .[1].tools[] | .tool as $tool | .wall_ns / ($one | of($tool)).wall_ns
   | "\($tool): two threads of malloc and free take \(fixed(2)) of the time of one, each doing as much"),
  (.programs[] | .program as $program | .tools | [of("ledger", "pagegap") | values] | select(length == 2)
   | "\($program): faults and copy-on-write take \(.[1].wall_ns / .[0].wall_ns | fixed(2)) of the time without them"),
  ([.programs[].tools[].recorded_bytes | select(. > 0)] | select(length > 0)
   | "largest capture of one process: \(max / 1024 | fixed(0)) KiB on disk")
