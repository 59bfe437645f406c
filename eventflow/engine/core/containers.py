"""The container nodes of a container set: children of its pod, linked as the containers depend on each other.

Source: Argo v4.1.2 workflow/controller/container_set_template.go.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eventflow.engine.core.calls import Call
from eventflow.engine.core.plan import Template
from eventflow.engine.core.state import Node, NodeType, Phase

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow


def make_containers(workflow: "Workflow", call: Call, pod: Node, template: Template) -> None:
    """Make a node for each container of a new pod, those that others depend on first."""
    made: dict[str, Node] = {}
    waiting: list[Mapping[str, Any]] = list(template.manifest["containerSet"].get("containers") or ())
    while waiting:
        ready = [each for each in waiting if all(name in made for name in each.get("dependencies") or ())]
        for container in ready or waiting:  # a cycle is the runtime's to refuse; its nodes are still shown
            parents = [made[name] for name in container.get("dependencies") or () if name in made] or [pod]
            own = replace(call, name=f"{pod.name}.{container['name']}", boundary=pod, parents=parents)
            made[container["name"]] = workflow.create(own, NodeType.CONTAINER, Phase.PENDING)
        waiting = [each for each in waiting if each["name"] not in made]
