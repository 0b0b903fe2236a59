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
        projected: List[Tensor],
        x: Tensor,
        qkv: List[Tensor],
        norm: List[Tensor],
        eps: float,
    ) -> List[Tensor]:
        """From cotangents g of queries, keys and values, [b, p, h, d_head] each, to those of what each head read
        of the residual stream x [b, p, d] by way of ln1, [b, p, h, d] each: by way of all three (bit 1 of parts),
        of queries (2), keys (4), values (8), in this order.

        qkv and norm are weight and bias. projected holds queries, keys and values as they were projected, or
        nothing. With W a part's weight times ln1's, centred over d, n the normalised x and s its scale, each is
        (g W - n (g . W n) / d) / s: the layer norm's means are taken out of the weights beforehand, so that a
        wide result is written by one product and changed once. W n is what was projected, less a constant.
        """
        b, p, h, d_head = g[0].shape
        d = x.size(-1)
        n, _, rstd = torch.native_layer_norm(x, [d], None, None, eps)
        n = n.reshape(b * p, d)
        rstd = rstd.reshape(b * p, 1, 1)
        w = qkv[0] * norm[0]
        w.sub_(w.mean(-1, keepdim=True))
        w = w.unflatten(0, [3, h, d_head])
        if len(projected) > 0:
            fixed = torch.addmv(qkv[1], qkv[0], norm[1]).view(3, h, d_head)
            along_w = [y.reshape(b * p, h, d_head) - fixed[i] for i, y in enumerate(projected)]
        else:
            made = torch.matmul(n, w.reshape(3 * d, d).t()).view(b * p, 3, h, d_head)
            along_w = [made[:, 0], made[:, 1], made[:, 2]]
        scaled: List[Tensor] = []
        along: List[Tensor] = []  # [h, b * p, 1]
        for i in range(3):
            each = g[i].reshape(b * p, h, d_head) * rstd
            scaled.append(each.transpose(0, 1))
            along.append(((each * along_w[i]).sum(-1, keepdim=True) / -d).transpose(0, 1))
        by_part: List[Tensor] = []
        for i in range(3):
            if parts & (2 << i) != 0:
                by_part.append(torch.bmm(scaled[i], w[i]).addcmul_(along[i], n))
        if parts == 15:
            by_part.insert(0, (by_part[0] + by_part[1]).add_(by_part[2]))
        elif parts & 1 != 0:
            together = torch.bmm(torch.cat(scaled, 2), torch.cat([w[0], w[1], w[2]], 1))
            by_part.insert(0, together.addcmul_(along[0] + along[1] + along[2], n))
        return [y.transpose(0, 1).unflatten(0, [b, p]) for y in by_part]


def module() -> torch.nn.Module:
    return Backward()
