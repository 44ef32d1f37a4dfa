#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/e2e/hostile.sh, each program three times in each way and as each user.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
REPEAT=${REPEAT:-3} PAIRS=all exec bash "$SRC/tests/e2e/hostile.sh"
