#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/e2e/oracle_cow_generated.sh with 200 seeds.
set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
SEEDS=${SEEDS:-200} exec bash "$SRC/tests/e2e/oracle_cow_generated.sh"
