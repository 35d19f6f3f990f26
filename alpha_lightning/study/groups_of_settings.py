"""Groups of settings that were given a value instead.

Apart from `options`, of which the tasks of a study use a part: what they reach is their identity.
"""

from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints

from alpha_lightning.artefacts.errors import UserError


def refuse_groups_without_names(settings: Any, parsed: Any, prefix: str = "") -> None:
    """Check that settings below a name are settings, not a value.

    Args:
        settings: a dataclass.
        parsed: what was given for it, by name; where jsonargparse makes a group, null keeps its
            defaults.
        prefix: of the names, for the message.

    Raises:
        UserError: a list or a value stands in the place of settings, or null of some of them.
    """
    hints = get_type_hints(settings)
    for field in (field for field in fields(settings) if is_dataclass(hints[field.name])):
        name, given = field.name, parsed[field.name]
        if given is None and not prefix and field.default_factory is not MISSING:
            continue
        if not hasattr(given, "__dict__"):
            told = "null" if given is None else repr(given)
            msg = f"{prefix}{name} is {told}: write its settings below it, or leave it out"
            raise UserError(msg)
        refuse_groups_without_names(hints[name], given, f"{prefix}{name}.")
