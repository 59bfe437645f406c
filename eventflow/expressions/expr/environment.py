"""What an expression takes from outside besides its variables, so that evaluation stays pure and repeatable."""

import hashlib
from dataclasses import dataclass

from eventflow.expressions.golang import moment
from eventflow.expressions.golang.moment import Time


@dataclass(frozen=True, slots=True)
class Environment:
    """`now` in Unix seconds, and the seed of everything that looks random."""

    now: float = 0.0
    seed: str = ""

    def time(self) -> Time:
        """Return the time that `now()` gives."""
        return moment.from_unix(self.now)


class Randomness:
    """Repeatable stand-ins for random numbers: the n-th draw of one evaluation is SHA-256 of (seed, n)."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._draws = 0

    def bytes(self, count: int) -> bytes:
        """Return `count` bytes."""
        result = b""
        while len(result) < count:
            self._draws += 1
            result += hashlib.sha256(f"{self._seed}\0{self._draws}".encode("utf-8", "surrogatepass")).digest()
        return result[:count]

    def below(self, bound: int) -> int:
        """Return an integer from 0 up to but not including `bound`."""
        return int.from_bytes(self.bytes(16)) % bound
