#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/e2e/kill.sh with 200 kills.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
KILLS=${KILLS:-200} exec bash "$SRC/tests/e2e/kill.sh"
