# SPDX-License-Identifier: MIT
# From lines "workload allocator wall user system rss_kib status faults" to a table in Markdown: time, CPU, resident and
# faults of each allocator as ratios to glibc's medians, and their geometric means.
function median(list, count, i, j, swap) {
	for (i = 2; i <= count; i++)
		for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
			swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap
		}
	return count % 2 ? list[(count + 1) / 2] : (list[count / 2] + list[count / 2 + 1]) / 2
}
function median_of(workload, allocator, figure, i, list) {
	for (i = 1; i <= runs[workload, allocator]; i++)
		list[i] = value[workload, allocator, figure, i]
	return median(list, runs[workload, allocator])
}
{
	if (!(($1) in seen_workload)) { seen_workload[$1]; workloads[++workload_count] = $1 }
	if (!(($2) in seen_allocator)) { seen_allocator[$2]; allocators[++allocator_count] = $2 }
	if ($7 != 0)
		failed[$1, $2] = 1
	run = ++runs[$1, $2]
	value[$1, $2, 1, run] = $3
	value[$1, $2, 2, run] = $4 + $5
	value[$1, $2, 3, run] = $6
	value[$1, $2, 4, run] = $8
}
END {
	printf "| workload | glibc s, MiB, faults |"
	for (a = 2; a <= allocator_count; a++)
		printf " %s |", allocators[a]
	printf "\n|---|---|"
	for (a = 2; a <= allocator_count; a++)
		printf "---|"
	print ""
	for (w = 1; w <= workload_count; w++) {
		for (f = 1; f <= 4; f++)
			base[f] = median_of(workloads[w], allocators[1], f)
		printf "| %s | %.2f, %.0f, %d |", workloads[w], base[1] / 1e9, base[3] / 1024, base[4]
		for (a = 2; a <= allocator_count; a++) {
			if ((workloads[w], allocators[a]) in failed) {
				printf " fails |"
				continue
			}
			for (f = 1; f <= 4; f++) {
				ratio = median_of(workloads[w], allocators[a], f) / base[f]
				sum[a, f] += log(ratio)
				if (f != 2)
					printf " %.2f", ratio
			}
			counted[a]++
			printf " |"
		}
		print ""
	}
	printf "| geometric means (time, resident, faults; CPU) | |"
	for (a = 2; a <= allocator_count; a++)
		printf " **%.2f %.2f %.2f**; %.2f |", exp(sum[a, 1] / counted[a]), exp(sum[a, 3] / counted[a]),
			exp(sum[a, 4] / counted[a]), exp(sum[a, 2] / counted[a])
	print ""
}
