"""What looks random. Every value follows from the seed of the environment, so that evaluation can be repeated."""

import base64
import string
import uuid
from collections.abc import Callable

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.sprig.signatures import define

_MAXIMUM = 65_536
_ASCII = "".join(map(chr, range(32, 127)))


def _letters(alphabet: str) -> Callable[[Frame, int], str]:
    def run(frame: Frame, count: int) -> str:
        if not 0 <= count <= _MAXIMUM:
            raise Fault(f"random texts have 0 to {_MAXIMUM} characters, not {count}")
        frame.spend(count)
        return "".join(alphabet[frame.random.below(len(alphabet))] for _ in range(count))

    return run


def _bytes(frame: Frame, count: int) -> str:
    if not 0 <= count <= _MAXIMUM:
        raise Fault(f"random bytes come in 0 to {_MAXIMUM}, not {count}")
    return base64.b64encode(frame.random.bytes(count)).decode()


def _integer(frame: Frame, low: int, high: int) -> int:
    if high <= low:
        raise Fault(f"invalid argument to randInt: {high} is not above {low}")
    return low + frame.random.below(high - low)


def _shuffle(frame: Frame, source: str) -> str:
    frame.spend(len(source))
    characters = list(source)
    for index in range(len(characters) - 1, 0, -1):
        other = frame.random.below(index + 1)
        characters[index], characters[other] = characters[other], characters[index]
    return "".join(characters)


def _uuid(frame: Frame) -> str:
    return str(uuid.UUID(bytes=frame.random.bytes(16), version=4))


FUNCTIONS = (
    define("randAlphaNum", "i", _letters(string.ascii_letters + string.digits), framed=True),
    define("randAlpha", "i", _letters(string.ascii_letters), framed=True),
    define("randNumeric", "i", _letters(string.digits), framed=True),
    define("randAscii", "i", _letters(_ASCII), framed=True),
    define("randBytes", "i", _bytes, framed=True),
    define("randInt", "ii", _integer, framed=True),
    define("shuffle", "s", _shuffle, framed=True),
    define("uuidv4", "", _uuid, framed=True),
)
