#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/e2e/compare.sh, and hyperfine beside it on programs that compute: for a machine where nothing else runs.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
TIMES=1 exec bash "$SRC/tests/e2e/compare.sh"
