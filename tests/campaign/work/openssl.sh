# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# sorted: yes
# needs: openssl
# openssl: speed for a second each, in one process and in two; and what it computes besides.
# varies: s/[0-9][0-9.]*k\?/N/g; s/  */ /g
openssl speed -seconds 1 -bytes 1024 -evp sha256 2>&1
openssl speed -seconds 1 -bytes 1024 -evp aes-128-cbc -multi 2 2>&1
openssl dgst -sha512 "$INPUTS/lines"
openssl enc -aes-256-cbc -pbkdf2 -S 0001020304050607 -pass pass:secret -in "$INPUTS/large.c" -out encrypted
openssl enc -d -aes-256-cbc -pbkdf2 -S 0001020304050607 -pass pass:secret -in encrypted | cmp - "$INPUTS/large.c"
echo "status $?"
