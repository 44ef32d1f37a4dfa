#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Runs of sampled_sites against what the program itself counted. Arguments: how many of 100 intervals must hold the truth, then
pairs of files: what the program printed, and the JSON report. Prints a line for each figure, then "good" or what is wrong:

  figure       in so many of so many printed intervals the truth lay; the mean of the estimates over the truth

Wrong: too few intervals of what sites of 1 %, 5 % and 30 % have asked for hold the truth, or of any figure so few as happens once in ten
thousand times where 95 of 100 do; or, of at least 20 runs, the mean of the estimates is farther from the truth than four of its own standard errors
(and 0.1 %).
"""
import json
import math
import sys

NAMES = {"requested_bytes": ("low_bytes", "high_bytes"), "live_requested_bytes": ("live_low_bytes", "live_high_bytes")}


def site_of(process, function):
    sites = [s for s in process["sites"] or [] if s["stack"] and any(f["function"] == function for f in s["stack"][:2])]
    return sites[0] if sites else None


def main():
    least, files = int(sys.argv[1]), sys.argv[2:]
    inside, runs, estimates, truths = {}, {}, {}, {}
    for truth_file, json_file in zip(files[::2], files[1::2]):
        with open(json_file, encoding="utf-8") as text:
            process = json.load(text)["processes"][0]
        known = {line.split()[0]: [int(word) for word in line.split()[1:]] for line in open(truth_file, encoding="utf-8")}
        heap = process["heap"]
        total = sum(s["requested_bytes"] for s in process["sites"])
        estimates.setdefault("all sites", []).append(total)
        truths.setdefault("all sites", []).append(heap["requested_bytes"])
        for function, (calls, asked, _, live) in known.items():
            site = site_of(process, function)
            for name, exact in (("allocations", calls), ("requested_bytes", asked), ("live_requested_bytes", live)):
                figure = f"{function} {name}"
                estimates.setdefault(figure, []).append(site[name] if site else 0)
                truths.setdefault(figure, []).append(exact)
                if name not in NAMES or not site or site[NAMES[name][0]] is None:
                    continue
                low, high = (site[end] for end in NAMES[name])
                runs[figure] = runs.get(figure, 0) + 1
                inside[figure] = inside.get(figure, 0) + (low <= exact <= high)
    wrong = []
    for figure, found in estimates.items():
        count, truth = len(found), sum(truths[figure]) / len(found)
        ratios = [f / truth for f in found]
        mean = sum(ratios) / count
        error = math.sqrt(sum((r - mean) ** 2 for r in ratios) / count / count)
        covered = f"{inside[figure]:4} of {runs[figure]:4}" if figure in runs else f"{'':12}"
        print(f"  {figure:38} {covered}   {mean:.4f}")
        if count >= 20 and abs(mean - 1) > 4 * error + 0.001:
            wrong.append(f"{figure}: {mean:.4f} of the truth on average, and the standard error is {error:.4f}")
        if figure not in runs:
            continue
        needed = least if figure.endswith("_percent requested_bytes") else 0
        needed = max(needed / 100 * runs[figure], 0.95 * runs[figure] - 4 * math.sqrt(0.95 * 0.05 * runs[figure]) - 0.5)
        if inside[figure] < needed:
            wrong.append(f"{figure}: the truth is in {inside[figure]} of {runs[figure]} intervals")
    if not runs:
        wrong.append("no interval was printed")
    print("; ".join(wrong) or "good")


main()
