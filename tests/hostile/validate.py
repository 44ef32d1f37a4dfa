# SPDX-License-Identifier: MIT
"""Validates the JSON reports named on standard input against a schema; prints one line for each that is not valid."""
import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
validator = jsonschema.validators.validator_for(schema)(schema)
for name in sys.stdin.read().split("\n"):
    if not name:
        continue
    with open(name, encoding="utf-8") as file:
        error = next(validator.iter_errors(json.load(file)), None)
    if error:
        print(f"{name}: {error.message[:200]} at {'/'.join(map(str, error.absolute_path))}")
