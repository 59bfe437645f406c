"""A sender as Standard Webhooks wants it: signs, and delivers again, by the same id, until it is told 2xx."""

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
from queue import Empty, Queue

from tests.faults.objects import KINDS, SIGNING
from tests.faults.observer import Observer

_TIMEOUT = 5.0
_AGAIN = 0.03


def signed(identity: str, body: bytes, at: float | None = None) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a body: id, timestamp, signature."""
    stamp = str(int(time.time() if at is None else at))
    key = base64.b64decode(SIGNING.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        "Content-Type": "application/json",
    }


def body_of(number: int) -> bytes:
    """Return the body of an event; its number decides its kind."""
    return json.dumps({"number": number, "kind": KINDS[number % len(KINDS)]}).encode()


class Sender:
    """Delivers numbered events with some threads; each event as often as was asked, and until it was acknowledged."""

    def __init__(self, port: int, observer: Observer, threads: int = 4) -> None:
        self._port = port
        self._observer = observer
        self._queue: Queue[int] = Queue()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self._open = 0
        self._lock = threading.Lock()
        self.refusals: dict[str, int] = {}
        self.sent = 0

    def __enter__(self) -> "Sender":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    @property
    def busy(self) -> int:
        """How many deliveries are not acknowledged yet."""
        with self._lock:
            return self._open

    def send(self, count: int, again: int = 0) -> None:
        """Deliver that many new events, and `again` of those sent before or just now once more."""
        first, self.sent = self.sent, self.sent + count
        repeated = [max(0, self.sent - 1 - 3 * step) for step in range(again)] if self.sent else []
        with self._lock:
            self._open += count + len(repeated)
        for number in [*range(first, self.sent), *repeated]:
            self._queue.put(number)

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                number = self._queue.get(timeout=0.05)
            except Empty:
                continue
            self._observer.record(f"intend {number}")
            while not self._stopping.is_set() and not self._deliver(number):
                time.sleep(_AGAIN)
            with self._lock:
                self._open -= 1

    def _deliver(self, number: int) -> bool:
        identity, body = f"msg-{number}", body_of(number)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        try:
            connection.request("POST", "/signed", body, signed(identity, body))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            status = 0
            self._note(type(error).__name__)
        finally:
            connection.close()
        if 200 <= status < 300:
            self._observer.record(f"acknowledged {number}")
            return True
        if status:
            self._note(str(status))
        return False

    def _note(self, refusal: str) -> None:
        with self._lock:
            self.refusals[refusal] = self.refusals.get(refusal, 0) + 1
