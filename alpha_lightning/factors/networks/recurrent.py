"""What the three recurrent networks share: checked settings and one memory layout."""

from typing import TypeVar

from torch import nn

from alpha_lightning.artefacts.errors import UserError

Recurrence = TypeVar("Recurrence", nn.GRU, nn.LSTM)


def recurrent_layers(
    kind: type[Recurrence], n_features: int, hidden: int, layers: int, dropout: float
) -> Recurrence:
    """Build a recurrence that reads ``(L, N, F)``.

    Time comes first because a panel is date-major: ``windows.transpose(0, 1)`` is then one
    contiguous slab and costs nothing.

    Args:
        kind: ``nn.GRU`` or ``nn.LSTM``.
        n_features: Features per day ``F``.
        hidden: Width of the hidden state.
        layers: Recurrences on top of each other.
        dropout: Share of the hidden state dropped between two layers while training.

    Raises:
        UserError: If there is dropout but no second layer in front of which it could act.
    """
    if dropout > 0 and layers == 1:
        raise UserError(
            f"dropout={dropout} acts between recurrent layers and layers=1 has no such place: "
            "set dropout to 0 or layers to 2 or more."
        )
    return kind(n_features, hidden, layers, dropout=dropout)
