"""What can go wrong with the texts that Argo evaluates. `location.file` names the place in the tree, if known."""

from collections.abc import Iterable

from eventflow.errors import UserError


class TemplateError(UserError):
    """A tag or an expression in a template that cannot be used. Waiting does not help."""


class MissingVariable(TemplateError):
    """Names that a template needs and that are not known now; a later moment may know them."""

    def __init__(self, names: Iterable[str], hint: str | None = None) -> None:
        self.names = tuple(names)
        shown = ", ".join(f"{{{{{name}}}}}" for name in self.names)
        super().__init__(f"failed to resolve {shown}", hint=hint)


class AbsentOptional(TemplateError):
    """A variable that is absent for good: the output of a skipped node, with no default."""


class NotSupplied(TemplateError):
    """An input of a template that no argument, value or default gives."""


class WhenError(UserError):
    """A condition that is none, fails, or gives something other than true or false."""


class LoopError(UserError):
    """A loop whose items cannot be made out."""
