"""The contract of a performer: what carries out leaf templates of one kind, with no pod.

A performer promises that what it does may be begun again after a crash, with the same pod: whoever is asked a second
time can tell, by a key or a name derived from the pod's. It can be cancelled at any await.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from eventflow.model.pod import Pod, PodEnd


@dataclass(frozen=True, slots=True)
class Task:
    """One pod to perform. `now` gives seconds since the epoch.

    Call `rest` when nothing is left but waiting: others may then use the place. Call it at most once.
    """

    pod: Pod
    now: Callable[[], float]
    rest: Callable[[], None]


class Performer(Protocol):
    """Performs the templates of one kind."""

    async def perform(self, task: Task) -> PodEnd:
        """Do what the template says and return its end.

        Raises UserError and PermanentError for what cannot be done (the node's phase is then Error), TemporaryError
        where a repetition may succeed.
        """
