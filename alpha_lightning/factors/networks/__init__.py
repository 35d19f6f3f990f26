"""The networks of the factor units: windows ``(N, L, F)`` in, hidden features ``(N, D)`` out."""

from alpha_lightning.factors.networks.agru import AGRU
from alpha_lightning.factors.networks.gru import GRU
from alpha_lightning.factors.networks.head import Head
from alpha_lightning.factors.networks.lstm import LSTM
from alpha_lightning.factors.networks.restcn import RESTCN
from alpha_lightning.factors.networks.transformer import Transformer

__all__ = ["AGRU", "GRU", "LSTM", "RESTCN", "Head", "Transformer"]
