"""Where a cluster is said to be: somebody listens, nobody does, or it names no machine."""

import socket

import pytest

from alpha_lightning.artefacts.errors import UserError
from alpha_lightning.study.ray_address import refuse_unreachable


@pytest.mark.parametrize("form", ["{}", "ray://{}"])
def test_who_listens_is_found_and_who_does_not_is_told(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = form.format(f"127.0.0.1:{server.getsockname()[1]}")
        refuse_unreachable(address)
    words = rf"no Ray cluster at {address} \(\[Errno 111\] Connection refused\): start one"
    with pytest.raises(UserError, match=words):
        refuse_unreachable(address)


def test_a_word_of_rays_is_left_to_it_unless_the_environment_says_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    refuse_unreachable("auto")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    refuse_unreachable("local")
    with pytest.raises(UserError, match=r"no Ray cluster at 127\.0\.0\.1:1 "):
        refuse_unreachable("auto")
