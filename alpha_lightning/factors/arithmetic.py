"""How a unit computes: compiled or not, and how exactly float32 is multiplied."""

import os
import shutil
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from alpha_lightning.artefacts.errors import UserError

MatmulPrecision = Literal["highest", "high", "medium"]

_COMPILERS = ("c++", "g++", "clang++", "cl")


def set_matmul_precision(precision: MatmulPrecision) -> None:
    """Choose, for the whole process, how products of float32 matrices are computed.

    ``highest`` is float32 throughout; ``high`` allows TF32 (10 bits of mantissa) in the products,
    convolutions and recurrences of an NVIDIA GPU; ``medium`` bfloat16 in products as well. PyTorch
    on its own allows TF32 to convolutions and recurrences.

    Raises:
        UserError: it is none of the three.
    """
    if precision not in get_args(MatmulPrecision):
        names = ", ".join(get_args(MatmulPrecision))
        msg = f"model.matmul_precision {precision!r} is unknown: choose one of {names}"
        raise UserError(msg)
    torch.set_float32_matmul_precision(precision)
    torch.backends.cudnn.allow_tf32 = precision != "highest"


def compile_in_place(network: nn.Module) -> None:
    """Compile a network where it is: its weights keep their names.

    ``nn.GRU`` and ``nn.LSTM`` stay the fused kernels that they are: unrolled over the window they
    take twice the time on a CPU. PyTorch leaves a method in which it meets one as it is. Compiled
    dropout draws other noise than eager dropout from the same seed.

    Raises:
        UserError: there is no compiler to translate the kernels with.
    """
    named = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ([named] if named else _COMPILERS)):
        msg = (
            "model.compile needs a C++ compiler and there is"
            f" {'no ' + named if named else 'none'}: install g++, set CXX, or set it to false"
        )
        raise UserError(msg)
    # Left to choose, inductor lays convolutions out for one number of stocks, and each date would
    # be compiled anew; their memory is channels-last as it is.
    convolves = any(isinstance(module, nn.Conv2d) for module in network.modules())
    network.compile(options={"force_layout_optimization": True} if convolves else None)


def of_any_length(windows: Tensor) -> Tensor:
    """The windows, ``(N, L, F)``, with N marked as different each date.

    Without it a compiled network is compiled for the first date's number of stocks, and once more
    at the second.
    """
    torch._dynamo.maybe_mark_dynamic(windows, 0)
    return windows
