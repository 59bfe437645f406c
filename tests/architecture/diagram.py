"""The state diagram of a pod's node, drawn from the transition table: `python -m tests.architecture.diagram`."""

from eventflow.engine.core.state import Phase
from eventflow.engine.core.transitions import ENDS, TABLE
from eventflow.model.pod import PodFinished, PodLost, PodProgressed, PodStarted

REPORTS = (PodStarted, PodProgressed, PodFinished, PodLost)


def draw() -> str:
    """Return the diagram in Mermaid's notation."""
    lines = ["stateDiagram-v2", "    [*] --> Pending"]
    for phase in (Phase.PENDING, Phase.RUNNING):
        for report in REPORTS:
            transition = TABLE[phase, report]
            lines += [
                f"    {phase} --> {end}: {report.__name__}" for end in ENDS.get(transition, ()) if end is not phase
            ]
    lines += [f"    {phase} --> [*]" for phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR)]
    return "\n".join(lines)


if __name__ == "__main__":
    print(draw())
