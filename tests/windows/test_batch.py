import torch
from pytorch_lightning.utilities import move_data_to_device

from alpha_lightning.windows.batch import CrossSection


def test_a_batch_stays_one_when_lightning_moves_it() -> None:
    batch = CrossSection(
        windows=torch.zeros(5, 30, 6),
        label=torch.zeros(5),
        forward_return=torch.zeros(5),
        assets=torch.arange(5),
        date=torch.tensor(7),
        universe_size=torch.tensor(6),
    )
    moved = move_data_to_device(batch, torch.device("meta"))
    assert isinstance(moved, CrossSection)
    assert {part.device.type for part in moved} == {"meta"}
    assert moved.windows.shape == (5, 30, 6)
