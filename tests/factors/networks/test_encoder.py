import math

import pytest
import torch
from torch import Tensor, nn

from alpha_lightning.factors.networks.encoder import EncoderBlock, SelfAttention


@torch.no_grad()
def attention_by_loops(layer: SelfAttention, days: Tensor) -> Tensor:
    """One stock, head and day at a time."""
    n_stocks, n_days, hidden = days.shape
    width = hidden // layer.heads
    query, key, value = layer.query_key_value(days).chunk(3, dim=2)
    attended = torch.zeros_like(days)
    for n in range(n_stocks):
        for head in range(layer.heads):
            part = slice(head * width, (head + 1) * width)
            for t in range(n_days):
                scores = [float(query[n, t, part] @ key[n, s, part]) for s in range(n_days)]
                powers = [math.exp(score / math.sqrt(width)) for score in scores]
                for s, power in enumerate(powers):
                    attended[n, t, part] += power / sum(powers) * value[n, s, part]
    out: Tensor = layer.out(attended)
    return out


@torch.no_grad()
def reference_block(block: EncoderBlock, hidden: int, feedforward: int) -> nn.Module:
    """PyTorch's post-norm encoder layer with the weights of ``block``."""
    layer = nn.TransformerEncoderLayer(
        hidden, block.attention.heads, feedforward, 0.0, batch_first=True, dtype=torch.float64
    )
    pairs = [
        (layer.self_attn.out_proj, block.attention.out),
        (layer.linear1, block.feed_forward[0]),
        (layer.linear2, block.feed_forward[2]),
        (layer.norm1, block.attention_norm),
        (layer.norm2, block.feed_forward_norm),
    ]
    for ours_to, ours in pairs:
        ours_to.load_state_dict(ours.state_dict())
    layer.self_attn.in_proj_weight.copy_(block.attention.query_key_value.weight)
    layer.self_attn.in_proj_bias.copy_(block.attention.query_key_value.bias)
    return layer


def test_attention_equals_plain_loops() -> None:
    torch.manual_seed(0)
    layer, days = SelfAttention(16, 4).double(), 3 * torch.randn(2, 30, 16).double()
    torch.testing.assert_close(layer(days), attention_by_loops(layer, days), rtol=0, atol=1e-12)


def test_block_equals_the_encoder_layer_of_pytorch() -> None:
    torch.manual_seed(0)
    block, days = (
        EncoderBlock(16, 4, 32, dropout=0.1).double().eval(),
        torch.randn(5, 30, 16).double(),
    )
    for parameter in block.parameters():
        nn.init.normal_(parameter, mean=0.2, std=0.3)
    expected = reference_block(block, 16, 32)(days)
    torch.testing.assert_close(block(days), expected, rtol=0, atol=1e-12)


def test_dropout_acts_on_both_parts_while_training() -> None:
    torch.manual_seed(0)
    block, days = EncoderBlock(16, 4, 32, dropout=1.0), torch.randn(5, 30, 16)
    twice = block.feed_forward_norm(block.attention_norm(days))
    assert torch.equal(block(days), twice)
    assert not torch.allclose(block.eval()(days), twice)


def test_refuses_heads_that_do_not_divide_the_width() -> None:
    with pytest.raises(ValueError, match=r"hidden=64 cannot be shared out to heads=5"):
        SelfAttention(64, 5)
