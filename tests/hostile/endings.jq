# SPDX-License-Identifier: MIT
# Reads a JSON report and prints how each process ended, one line each: "root exit 0" for the first, "exit 3", "signal
# 9", "lost" … for the others. A process is what its images are of: only the image that did not end by exec says how the
# process ended.
def ending: .ended_by.kind + (if .ended_by.code == null then "" else " \(.ended_by.code)" end);
(.processes | map(select(.born_by == "start"))[0]) as $root
| .processes[] | select(.ended_by.kind != "exec")
| if .pid == $root.pid then "root " + ending else ending end
