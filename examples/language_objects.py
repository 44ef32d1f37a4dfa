# SPDX-License-Identifier: MIT
# 200,000 objects of a high-level language. Its own allocator takes arenas from mmap and cuts them up, so that malloc hears of few of them; with
# PYTHONMALLOC=malloc each one is a block.
class Item:
    __slots__ = ("number", "name")

    def __init__(self, number):
        self.number = number
        self.name = "item %d" % number


items = [Item(number) for number in range(100000)]
print("objects", 2 * len(items))
