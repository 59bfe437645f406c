"""Objects on standard output, in the forms that `-o` names, and the exit status that a phase means."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click
import orjson

STATUS: Mapping[str, int] = {"Succeeded": 0, "Failed": 1, "Error": 2}
Item = Mapping[str, Any]


def option(*extra: str) -> Callable[[Any], Any]:
    """Return the `-o` option; `extra` are forms beyond json, yaml and name."""
    return click.option(
        "-o", "--output", "form", type=click.Choice(["json", "yaml", "name", *extra]), help="Form of the output."
    )


def status_of(phases: Iterable[str]) -> int:
    """Return the exit status of workflows that ended in these phases: the worst counts."""
    return max((STATUS.get(phase, 2) for phase in phases), default=0)


def write(items: Sequence[Item], form: str, *, single: bool) -> None:
    """Print objects: the one by itself if `single`, else a List. `name` prints kind and name, one a line."""
    if form == "name":
        for item in items:
            click.echo(f"{item['kind'].lower()}/{item['metadata']['name']}")
        return
    whole: Any = items[0] if single and len(items) == 1 else {"apiVersion": "v1", "kind": "List", "items": list(items)}
    click.echo(to_yaml(whole) if form == "yaml" else to_json(whole), nl=False)


def to_json(value: Any) -> str:
    """Return indented JSON text that ends in a newline."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def to_yaml(value: Any) -> str:
    """Return YAML text; texts of several lines become literal blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            del data
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        style = "|" if "\n" in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return dumped


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return columns aligned under their heads; the last one is not padded."""
    cells = [list(map(str, row)) for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def span(seconds: float) -> str:
    """Return a duration in its one or two largest units: `4s`, `2m13s`, `5h2m`, `3d4h`."""
    whole = max(0, int(seconds))
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    for position, (unit, size) in enumerate(units):
        if whole >= size or unit == "s":
            amount, rest = divmod(whole, size)
            if unit == "s":
                return f"{amount}s"
            smaller, smaller_size = units[position + 1]
            more = rest // smaller_size
            return f"{amount}{unit}{more}{smaller}" if more else f"{amount}{unit}"
    return "0s"


def pairs(values: Iterable[str], what: str) -> dict[str, str]:
    """Read `name=value` arguments. Raises UsageError for one without an equals sign."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{what} {value!r} must be NAME=VALUE")
        found[name] = text
    return found
