# SPDX-License-Identifier: MIT
# Reads a JSON report and prints one line for each thing that is wrong with its ledgers: the rows and what is
# unexplained must sum to the kernel's figures; with $unexplained == "zero" nothing may be unexplained in the snapshot
# at exit or exec, "some" allows it (other threads were alive); at a peak it is one in a thousand, or four pages, at most.
# "any" only adds up; "torn" is "zero" for all but forked children, for which it is "any".
# Rows that are unknown (the heap's, of a program with its own malloc) are null: what they would hold stands elsewhere.
def sum(f): [.rows[] | f // 0] | add;
.processes[] | (if $unexplained != "torn" then $unexplained elif .born_by == "fork" then "any" else "zero" end) as $bound
| "pid \(.pid) image \(.image)" as $who | .snapshots[]
| def fault(what): "\($who) \(.why): " + what;
(
	(select((.rows | length) != 10) | fault("\(.rows | length) rows instead of 10")),
	(select(sum(.mapped_bytes) + .unexplained_mapped_bytes != .vm_size_bytes)
		| fault("mapped \(sum(.mapped_bytes)), unexplained \(.unexplained_mapped_bytes), VmSize \(.vm_size_bytes)")),
	(select(sum(.resident_bytes) + .unexplained_resident_bytes != .rss_bytes)
		| fault("resident \(sum(.resident_bytes)), unexplained \(.unexplained_resident_bytes), Rss \(.rss_bytes)")),
	(select($bound == "zero" and (.why == "exit" or .why == "exec") and
		(.unexplained_mapped_bytes != 0 or .unexplained_resident_bytes != 0))
		| fault("unexplained \(.unexplained_mapped_bytes) mapped, \(.unexplained_resident_bytes) resident")),
	(select($bound != "any" and .why == "peak" and
		((.unexplained_mapped_bytes | fabs) > ([.vm_size_bytes / 1000, 16384] | max) or
		(.unexplained_resident_bytes | fabs) > ([.rss_bytes / 1000, 16384] | max)))
		| fault("unexplained \(.unexplained_mapped_bytes) of \(.vm_size_bytes) mapped, " +
			"\(.unexplained_resident_bytes) of \(.rss_bytes) resident"))
)
