"""Chance that is no chance: every draw is a function of the seed and of what it is drawn for."""

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import TypeVar

T = TypeVar("T")

_DRAWS = 8
_NUMBERS = Struct(f">{_DRAWS}Q")
_SPAN = float(1 << 64)


def digest(*parts: object) -> str:
    """64 hexadecimal digits that stand for these parts."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=32).hexdigest()


def name(prefix: str, *parts: object) -> str:
    """Make an id out of what it is the id of, so that the order of creation does not matter."""
    return f"{prefix}-{blake2b(chr(31).join(map(str, parts)).encode(), digest_size=6).hexdigest()}"


class Dice:
    """A row of draws for one purpose."""

    __slots__ = ("_block", "_name", "_numbers")

    def __init__(self, *parts: object) -> None:
        """Draws for (seed, entity, purpose ...)."""
        self._name = "\x1f".join(map(str, parts))
        self._block = 0
        self._numbers: list[int] = []

    def number(self) -> int:
        """Draw 64 bits."""
        if not self._numbers:
            block = blake2b(f"{self._name}\x1f{self._block}".encode(), digest_size=_DRAWS * 8).digest()
            self._numbers = list(_NUMBERS.unpack(block))
            self._block += 1
        return self._numbers.pop()

    def unit(self) -> float:
        """Draw evenly from [0, 1)."""
        return self.number() / _SPAN

    def chance(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self.unit() < probability

    def between(self, low: float, high: float) -> int:
        """Draw a whole number evenly from [low, high]."""
        return int(low) + self.number() % (int(high) - int(low) + 1)

    def skewed(self, low: float, high: float) -> int:
        """Draw a whole number from [low, high], small ones much more often."""
        unit = self.unit()
        return int(low + (high - low) * unit * unit * unit)

    def pick(self, choices: Sequence[T]) -> T:
        """Draw one of these evenly."""
        return choices[self.number() % len(choices)]

    def weighted(self, choices: Sequence[tuple[T, float]]) -> T:
        """Draw one of these by weight."""
        left = self.unit() * sum(weight for _, weight in choices)
        for choice, weight in choices:
            left -= weight
            if left < 0:
                return choice
        return choices[-1][0]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """Draw that many different ones, in their own order."""
        left = list(range(len(choices)))
        taken = sorted(left.pop(self.number() % len(left)) for _ in range(min(count, len(choices))))
        return [choices[position] for position in taken]
