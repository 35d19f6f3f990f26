"""Whether anybody listens where a Ray cluster is said to be, before Ray tries for minutes."""

import os
import socket

from alpha_lightning.artefacts.errors import UserError

_ANSWER = 10.0  # seconds


def refuse_unreachable(address: str, patience: float = _ANSWER) -> None:
    """Raise where nobody can be reached at an address that names a machine.

    Args:
        address: ``host:port``, ``ray://host:port``, or a word of Ray's, such as ``auto``, which
            stands for ``RAY_ADDRESS`` where that is set.
        patience: seconds to wait for an answer.

    Raises:
        UserError: nobody listens there.
    """
    named = os.environ.get("RAY_ADDRESS", "") if address == "auto" else address
    host, colon, port = named.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), patience).close()
    except (OSError, OverflowError) as error:
        msg = f"no Ray cluster at {named} ({error}): start one with `ray start --head`"
        raise UserError(f"{msg}, or give another --address") from error
