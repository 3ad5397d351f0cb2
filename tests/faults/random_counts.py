#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Adds up what e2e_random.sh printed, one log or several, as tables of doc/reliability.md.

    random_counts.py LOG...
"""

import collections
import json
import re
import sys

ACTIONS, READS, RESULTS, FAULTS = "What was done", "Reads", "Errors of reads", "Faults of the server"
HIGHEST = ("peak KiB", "descriptors")  # of which the highest counts, not the sum


def table_of(name):
    if name.startswith(("act_", "cairn ", "damage")):
        return ACTIONS
    return RESULTS if name.isupper() else READS


def main():
    tables = collections.defaultdict(collections.Counter)
    passed = failed = seconds = 0
    for path in sys.argv[1:]:
        with open(path) as log:
            text = log.read()
        ends = re.findall(r"passed in (\d+) s$", text, re.M)
        passed += len(ends)
        failed += "FAILED" in text
        seconds += sum(map(int, ends))
        for line in text.splitlines():
            faults = ": faults of the server: " in line
            start = line.find("{")
            if start < 0 or not line.endswith("}"):
                continue
            for name, count in json.loads(line[start:]).items():
                table = tables[FAULTS if faults else table_of(name)]
                table[name] = max(table[name], count) if name in HIGHEST else table[name] + count
    print(f"{passed} runs passed, {failed} failed, {seconds / 3600:.1f} hours")
    for name in (READS, RESULTS, ACTIONS, FAULTS):
        print(f"\n{name}: {sum(n for k, n in tables[name].items() if k not in HIGHEST)}")
        print(", ".join(f"{k} {n}" for k, n in sorted(tables[name].items())))


main()
