# SPDX-License-Identifier: MIT
# Builds 60 MiB of small blocks and drops them, 30 times: with PYTHONMALLOC=malloc, libc gives the memory back each time.
for _ in range(30):
    rows = [bytes(600) for _ in range(100_000)]
    del rows
