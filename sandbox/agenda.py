"""What will happen, and when: the one queue by which history is founded and life goes on.

Entries are handled in the order of (due_at, key), whether the clock is moved in one step or in many.
"""

import heapq
from itertools import count
from typing import NamedTuple

from sandbox.store import Store, decode, encode
from sandbox.streams import Record


class Entry(NamedTuple):
    """Something that happens at an instant; `key` makes it unique, `number` keeps the rest out of comparisons."""

    due_at: int
    key: str
    number: int
    kind: str
    args: Record


class Agenda:
    """The queue; entries of the stretch that is being lived are in memory, the rest in the store."""

    def __init__(self, store: Store) -> None:
        """Nothing is being lived yet."""
        self._store = store
        self._heap: list[Entry] = []
        self._later: list[tuple[int, str, str, bytes]] = []
        self._until: int | None = None
        self._numbers = count()

    def push(self, due_at: int, kind: str, subject: str, /, **args: object) -> None:
        """Put something on the agenda; the same thing about the same subject at the same instant is one thing."""
        entry = Entry(due_at, f"{kind}:{subject}", next(self._numbers), kind, args)
        if self._until is not None and due_at <= self._until:
            heapq.heappush(self._heap, entry)
            return
        self._later.append((due_at, entry.key, kind, encode(args)))
        if self._until is None:
            self.flush()

    def begin(self, until: int) -> None:
        """Take everything due up to an instant (inclusive) into memory."""
        rows = self._store.all("select due_at, key, kind, args from agenda where due_at <= ?", until)
        self._heap = [Entry(due_at, key, next(self._numbers), kind, decode(args)) for due_at, key, kind, args in rows]
        heapq.heapify(self._heap)
        self._store.run("delete from agenda where due_at <= ?", until)
        self._until = until

    def pop(self) -> Entry | None:
        """Take the next entry, or learn that there is none left."""
        if not self._heap:
            return None
        entry = heapq.heappop(self._heap)
        while self._heap and self._heap[0][:2] == entry[:2]:
            heapq.heappop(self._heap)
        return entry

    def end(self) -> None:
        """The stretch is lived."""
        self._until = None
        self.flush()

    def forget(self) -> None:
        """Drop what is in memory, after a roll-back."""
        self._heap, self._later, self._until = [], [], None

    def flush(self) -> None:
        """Hand what lies ahead over to the store."""
        self._store.run_many("insert or ignore into agenda values (?, ?, ?, ?)", self._later)
        self._later.clear()
