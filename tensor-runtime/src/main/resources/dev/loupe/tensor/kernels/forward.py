"""The arithmetic of GPT-2's forward pass, each function one TorchScript method.

b rows, p positions, k keys, h heads. Weights lie as [in, out], the layout of a GPT-2 file.
"""

from typing import List

import torch
import torch.nn.functional as F
from torch import Tensor


class Forward(torch.nn.Module):
    @torch.jit.export
    def linear(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """x [..., in] to [..., out]."""
        flat = torch.addmm(bias, x.reshape(-1, x.size(-1)), weight)
        shape = list(x.shape)
        shape[-1] = weight.size(1)
        return flat.view(shape)

    @torch.jit.export
    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
        return F.layer_norm(x, [x.size(-1)], weight, bias, epsilon)


def module() -> torch.nn.Module:
    return Forward()
