# SPDX-License-Identifier: MIT
# 1,000,000 objects, a fork, a child that reads them all. Arguments: freeze (before the fork), collect (in the child).
import gc
import os
import sys

objects = [("object %d" % i, i) for i in range(500_000)]
if "freeze" in sys.argv:
    gc.collect()
    gc.freeze()
child = os.fork()
if not child:
    if "collect" in sys.argv:
        gc.collect()
    total = 0
    for name, number in objects:
        total += number + len(name)
    sys.stdout.write("%d\n" % total)
    sys.stdout.flush()
    os._exit(0)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
