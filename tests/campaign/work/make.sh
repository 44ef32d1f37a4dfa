# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# needs: make gcc
# make -j2 of pagegap itself, into a folder of its own.
# sorted: yes
set -e
cp -r "$INPUTS/source" source
cd source
make -j2 BUILD=../built all
make BUILD=../built all
