# From lines "program tool wall user system rss_kib status recorded_bytes" to medians and their ratios to the bare program.
# A measurement of "-" is a program that did not work under the tool: its figures are null.
def number: tonumber? // null;
def median: map(values) | sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor]
	else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def geometric_mean: if length == 0 then null else (map(log) | add / length | exp) end;
def ratio($a; $b): if $a == null or $b == null or $b == 0 then null else $a / $b end;

split("\n") | map(select(length > 0) | split(" ")
	| {program: .[0], tool: .[1], wall_ns: .[2] | number, cpu_ns: (if .[3] == "-" then null else (.[3] | tonumber) + (.[4] | tonumber) end),
	   resident_bytes: (if .[5] == "-" then null else (.[5] | tonumber) * 1024 end), status: .[6] | number,
	   recorded_bytes: .[7] | tonumber})
| . as $lines
| [ reduce .[] as $line ([]; if any(.[]; . == $line.program) then . else . + [$line.program] end) | .[]
	| . as $program
	| {program: ., tools: [ $lines | map(select(.program == $program)) | reduce .[] as $l ([]; if any(.[]; . == $l.tool) then . else . + [$l.tool] end) | .[]
		| . as $tool
		| ($lines | map(select(.program == $program and .tool == $tool))) as $mine
		| {tool: ., runs: ($mine | length), wall_ns: ($mine | map(.wall_ns) | median), cpu_ns: ($mine | map(.cpu_ns) | median),
		   wall_ns_lowest: ($mine | map(.wall_ns) | min), wall_ns_highest: ($mine | map(.wall_ns) | max),
		   resident_bytes: ($mine | map(.resident_bytes) | median), recorded_bytes: ($mine | map(.recorded_bytes) | max),
		   statuses: ($mine | map(.status) | unique)} ] }
	| (.tools | map(select(.tool == "bare")) | .[0]) as $bare
	| .tools |= map(. + {time_ratio: ratio(.wall_ns; $bare.wall_ns), resident_ratio: ratio(.resident_bytes; $bare.resident_bytes),
		cpu_ratio: ratio(.cpu_ns; $bare.cpu_ns),
		more_ns: (if .wall_ns == null or $bare == null then null else .wall_ns - $bare.wall_ns end),
		more_resident_bytes: (if .resident_bytes == null or $bare == null then null else .resident_bytes - $bare.resident_bytes end),
		works: (.wall_ns != null and .statuses == ($bare.statuses // .statuses))}) ]
| . as $programs
# The loops and starts measure one mechanism each; means are over programs that do work.
| ["malloc", "malloc_2_threads", "true", "processes", "billion"] as $micro
| {format: "pagegap-bench", version: 1, cpu: $cpu, kernel: $kernel, programs: $programs,
	totals: [ $programs | map(.tools[].tool) | unique | .[] | . as $tool
		| [ $programs[] | select(.program as $p | $micro | index($p) | not) | .program as $p | .tools[]
			| select(.tool == $tool) + {program: $p} ] as $mine
		| select($mine | length > 0)
		| {tool: $tool, programs: ($mine | length), time_geometric_mean: ($mine | map(.time_ratio // empty) | geometric_mean),
		   time_worst: ($mine | map(.time_ratio // 0) | max), time_worst_program: ($mine | max_by(.time_ratio // 0) | .program),
		   resident_geometric_mean: ($mine | map(.resident_ratio // empty) | geometric_mean),
		   resident_worst: ($mine | map(.resident_ratio // 0) | max)} ] }
