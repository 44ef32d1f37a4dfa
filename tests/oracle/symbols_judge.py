#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compares frames as tests/oracle/symbols_of prints them with those of addr2line: symbols_judge.py OURS THEIRS [names|ends]

With "names", of each address only the outermost function; with "ends", that and the innermost line. What may differ, and why:
 - addr2line -C puts the return type before a function made from a template; here lines begin with what was called;
 - without a line it takes the file from the symbol table, which is often another one;
 - to a function without a linkage name it gives the symbol at the address, which is the outer function's where that one is inlined; or it
   leaves the namespace away, where here the symbol is taken; the symbol may end in what the compiler made of it (.cold).
"""
import re
import sys


def frames(path):
    found, lines = {}, open(path, errors="replace").read().split("\n")
    at = 0
    while at + 1 < len(lines):
        if re.fullmatch("0x[0-9a-f]{16}", lines[at]):
            of = found.setdefault(lines[at], [])
            at += 1
            continue
        place = re.sub(r" \(discriminator \d+\)$", "", lines[at + 1])
        place = re.sub(r":\?$", ":0", place)
        of.append((lines[at], re.sub(r"/(\./)+", "/", place)))
        at += 2
    return found


def base(name):
    return re.sub(r"(\.(cold|part|isra|constprop|lto_priv)(\.\d+)*| \[clone [^]]*\])+$", "", name)


def identifier(name):
    return re.split("[<(]", name)[0].split("::")[-1]


def name_alike(our, their, outer, inlined):
    o, t = base(our), base(their)
    if o == t or t.endswith(" " + o):
        return True
    return identifier(t) == identifier(outer if inlined else o) and (inlined or "(" in o)


def place_alike(our, their):
    return our == their or (our == "??:0" and their.endswith(":0"))


def alike(ours, theirs, how):
    if how and not name_alike(ours[-1][0], theirs[-1][0], "", False):
        return False
    if how:
        return how == "names" or place_alike(ours[0][1], theirs[0][1])
    return len(ours) == len(theirs) and all(
        name_alike(o[0], t[0], theirs[-1][0], i + 1 < len(ours)) and place_alike(o[1], t[1])
        for i, (o, t) in enumerate(zip(ours, theirs))
    )


ours, theirs = frames(sys.argv[1]), frames(sys.argv[2])
how = sys.argv[3] if sys.argv[3:] else ""
differ = [a for a in theirs if not ours.get(a) or not theirs[a] or not alike(ours[a], theirs[a], how)]
named = sum(1 for a in ours if ours[a] and ours[a][-1][0] != "??")
inlined = sum(1 for a in ours if len(ours[a]) > 1)
for address in differ[:3]:
    print(f"{address}: ours {ours.get(address)}, addr2line's {theirs[address]}")
print(f"{len(theirs)} addresses, {named} named, {inlined} with inlined functions, {len(differ)} differ")
sys.exit(bool(differ) or not theirs or len(ours) != len(theirs) or not named)
