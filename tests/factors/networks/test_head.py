import torch

from alpha_lightning.factors.networks import Head


def test_factors_are_linear_and_normalised_over_the_cross_section() -> None:
    torch.manual_seed(0)
    head, hidden = Head(64), torch.randn(200, 64)
    weight = next(head.parameters())
    linear = hidden @ weight.T
    variance = linear.var(dim=0, unbiased=False) + 1e-5
    expected = (linear - linear.mean(dim=0)) / variance.sqrt()
    torch.testing.assert_close(head(hidden), expected, rtol=0, atol=1e-5)


def test_the_cross_section_at_hand_plays_no_part_after_training() -> None:
    torch.manual_seed(0)
    head, hidden = Head(64), torch.randn(200, 64)
    head(hidden)
    head.eval()
    torch.testing.assert_close(head(hidden[:1]), head(hidden)[:1], rtol=0, atol=1e-6)


def test_number_of_parameters() -> None:
    assert sum(p.numel() for p in Head(64).parameters()) == 64 * 30 + 2 * 30
    assert Head(64, n_factors=8)(torch.zeros(5, 64)).shape == (5, 8)
