"""Mistakes in vendor tables and panels."""

from alpha_lightning.artefacts.errors import UserError


class PanelError(UserError):
    """A vendor table or a panel cannot be used as it is."""


class LookAheadError(UserError):
    """A setting would let a result see data of its own future."""
