"""Ways to make one matrix product. Compiled as the modules of tensor-runtime are.

a is [m, k] and b [k, n], or both are batches of such; the result is [m, n]. Only matmul takes batches.
"""

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor


class Bound(torch.nn.Module):
    onednn: Final[bool]

    def __init__(self, onednn: bool = False):
        super().__init__()
        self.onednn = onednn

    @torch.jit.export
    def matmul(self, a: Tensor, b: Tensor, out: Tensor) -> Tensor:
        """Into an array that is there."""
        return torch.matmul(a, b, out=out)

    @torch.jit.export
    def linear(self, a: Tensor, b: Tensor, out: Tensor) -> Tensor:
        if self.onednn:
            return torch.ops.mkldnn._linear_pointwise(a, b.t(), None, "none", [], "")
        return F.linear(a, b.t())

    @torch.jit.export
    def columns(self, a: Tensor, b: Tensor, out: Tensor) -> Tensor:
        """With a's rows as columns: its transpose is what is made."""
        return torch.mm(b.t(), a.t()).t()


def module() -> torch.nn.Module:
    return Bound()
