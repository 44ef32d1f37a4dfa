# From lines "program tool wall user system rss_kib status recorded_bytes" to medians and their ratios to the bare
# program. A measurement of "-" is a program that did not work under the tool: its figures are null.
def number: tonumber? // null;
def distinct: reduce .[] as $x ([]; if any(.[]; . == $x) then . else . + [$x] end); # in order of appearance
def median:
	map(values) | sort
	| if length == 0 then null
	  elif length % 2 == 1 then .[length / 2 | floor]
	  else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def geometric_mean: if length == 0 then null else (map(log) | add / length | exp) end;
def ratio($a; $b): if $a == null or $b == null or $b == 0 then null else $a / $b end;
def difference($a; $b): if $a == null or $b == null then null else $a - $b end;

# All measurements of one program under one tool become one object.
def summary($tool):
	{tool: $tool, runs: length,
	 wall_ns: map(.wall_ns) | median, wall_ns_lowest: map(.wall_ns) | min, wall_ns_highest: map(.wall_ns) | max,
	 cpu_ns: map(.cpu_ns) | median, resident_bytes: map(.resident_bytes) | median,
	 recorded_bytes: map(.recorded_bytes) | max, statuses: map(.status) | unique};

def beside($bare):
	. + {time_ratio: ratio(.wall_ns; $bare.wall_ns), cpu_ratio: ratio(.cpu_ns; $bare.cpu_ns),
	     resident_ratio: ratio(.resident_bytes; $bare.resident_bytes), more_ns: difference(.wall_ns; $bare.wall_ns),
	     more_resident_bytes: difference(.resident_bytes; $bare.resident_bytes),
	     works: (.wall_ns != null and .statuses == ($bare.statuses // .statuses))};

# The loops and starts measure one mechanism each; means are over programs that do work.
def is_micro: IN("malloc", "malloc_2_threads", "true", "processes", "billion", "faults", "fork_1g", "exit_1g");

def total($tool; $programs):
	[$programs[] | select(.program | is_micro | not) | .program as $program
	 | .tools[] | select(.tool == $tool) + {program: $program}]
	| select(length > 0)
	| {tool: $tool, programs: map(select(.time_ratio)) | length,
	   time_geometric_mean: map(.time_ratio | values) | geometric_mean,
	   time_worst: map(.time_ratio // 0) | max, time_worst_program: max_by(.time_ratio // 0).program,
	   resident_geometric_mean: map(.resident_ratio | values) | geometric_mean,
	   resident_worst: map(.resident_ratio // 0) | max};

[split("\n")[] | select(length > 0) | split(" ")
 | {program: .[0], tool: .[1], wall_ns: .[2] | number, cpu_ns: (.[3:5] | map(number) | add),
    resident_bytes: (.[5] | number | if . then . * 1024 else . end), status: .[6] | number, recorded_bytes: .[7] | number}]
| . as $lines
| [map(.program) | distinct[] | . as $program
   | ($lines | map(select(.program == $program))) as $here
   | [$here | map(.tool) | distinct[] | . as $tool | $here | map(select(.tool == $tool)) | summary($tool)]
   | (map(select(.tool == "bare")) | first) as $bare
   | {program: $program, tools: map(beside($bare))}] as $programs
| {format: "pagegap-bench", version: 1, cpu: $cpu, kernel: $kernel, programs: $programs,
   totals: [$programs | map(.tools[].tool) | unique[] | total(.; $programs)]}
