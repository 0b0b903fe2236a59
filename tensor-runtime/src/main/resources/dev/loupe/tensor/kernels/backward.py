"""The arithmetic of the way back through GPT-2, each method one call from Java.

b rows, p positions, h heads, d wide. Everything is float32. Linear weights are [out, in], possibly a
strided view. g is a cotangent: how a metric changes with the value that a step gave. Every method gives
new tensors, and none is changed in place.
"""

from typing import List

import torch
from torch import Tensor


class Backward(torch.nn.Module):
    @torch.jit.export
    def linear(self, g: Tensor, weight: Tensor) -> Tensor:
        """Through y = x W^T + b."""
        return torch.matmul(g, weight)

    @torch.jit.export
    def layer_norm(self, g: Tensor, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        """Through a layer norm of x, weight and bias included."""
        width = [x.size(-1)]
        _, mean, rstd = torch.native_layer_norm(x, width, weight, bias, eps)
        return torch.ops.aten.native_layer_norm_backward(
            g.contiguous(), x.contiguous(), width, mean, rstd, weight, bias, [True, False, False]
        )[0]

    @torch.jit.export
    def activate(self, g: Tensor, x: Tensor, name: str, form: str) -> Tensor:
        """Through the non-linearity of x; names as in forward.py."""
        if name == "gelu":
            return torch.ops.aten.gelu_backward(g, x, approximate=form)
        if name == "relu":
            return torch.ops.aten.threshold_backward(g, x, 0)
        if name == "swish":
            return torch.ops.aten.silu_backward(g, x)
        if name == "tanh":
            return torch.ops.aten.tanh_backward(g, torch.tanh(x))
        s = torch.sigmoid(x * 1.702)
        return g * (s + x * 1.702 * s * (1 - s))

    @torch.jit.export
    def softmax(self, g: Tensor, pattern: Tensor) -> Tensor:
        """Through a softmax over the last axis that gave the pattern."""
        return torch.ops.aten._softmax_backward_data(g, pattern, -1, torch.float32)

    @torch.jit.export
    def head_inputs(
        self,
        g: List[Tensor],
        parts: int,
        x: Tensor,
        qkv: Tensor,
        weight: Tensor,
        eps: float,
    ) -> Tensor:
        """From cotangents of queries (bit 1 of parts), keys (bit 2) or values (bit 4), in this order,
        [b, p, h, d_head] each, to that of what each head read of the residual stream x [b, p, d], by way of ln1: [b, p, h, d].

        With W the parts' weights times ln1's, centred over d, n the normalised x and s its scale, that is
        (g W - n (g . W n) / d) / s: the layer norm's means are taken out of the weights beforehand, so the
        wide result is written by one product and changed once.
        """
        b, p, h, d_head = g[0].shape
        d = x.size(-1)
        ws: List[Tensor] = []
        for part in range(3):
            if parts & (1 << part) != 0:
                ws.append(qkv[part * d : (part + 1) * d].reshape(h, d_head, d))
        w = torch.cat(ws, 1) * weight
        w = w - w.mean(-1, keepdim=True)
        centered = x - x.mean(-1, keepdim=True)
        rstd = torch.rsqrt(centered.square().mean(-1, keepdim=True) + eps)
        n = (centered * rstd).reshape(1, b * p, d)
        scaled = torch.cat(g, 3).reshape(b * p, h, -1).transpose(0, 1) * rstd.reshape(1, b * p, 1)
        along = (scaled * torch.matmul(n, w.transpose(1, 2))).sum(-1, keepdim=True) / d
        by_head = torch.bmm(scaled, w).addcmul_(along, n, value=-1.0)
        return by_head.transpose(0, 1).unflatten(0, [b, p])


def module() -> torch.nn.Module:
    return Backward()
