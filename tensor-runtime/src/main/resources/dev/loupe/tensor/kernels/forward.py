"""The arithmetic of GPT-2's forward pass, each method one call from Java.

b rows, p positions, k keys, h heads, d wide. Activations come and go as float32. Linear weights are
[out, in], possibly a strided view; where they are bfloat16 (made by to_bfloat16_weight, for oneDNN in
an order of its own), products are computed in bfloat16, and within a block everything but the residual
stream and its layer norms. A block's weights come as a
list: ln1 weight and bias, qkv weight and bias, attention output weight and bias, ln2 weight and bias,
MLP in weight and bias, MLP out weight and bias. Optional tensors come as lists of none or one.

Activations are named as oneDNN names them: ("gelu", "tanh"), ("gelu", "none"), ("relu", ""),
("swish", ""), ("tanh", ""); ("quick", "") is x * sigmoid(1.702 x).
"""

from typing import Final, List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor


def activation(x: Tensor, name: str, form: str) -> Tensor:
    if name == "gelu":
        return F.gelu(x, approximate=form)
    if name == "relu":
        return torch.relu(x)
    if name == "swish":
        return F.silu(x)
    if name == "tanh":
        return torch.tanh(x)
    return x * torch.sigmoid(x * 1.702)


class Forward(torch.nn.Module):
    onednn: Final[bool]

    def __init__(self, onednn: bool = False):
        super().__init__()
        self.onednn = onednn

    def is_one_row(self, x: Tensor) -> bool:
        """Where a matrix-vector product is the faster one."""
        return x.numel() == x.size(-1) and x.dtype == torch.float

    def slices(self, x: Tensor, weight: Tensor) -> int:
        """How many slices of inputs to sum a product of a few rows from; 0 for none.

        A product of some 50 inputs reads the weight as it lies; one of more copies it first.
        """
        rows = x.numel() // x.size(-1)
        inputs = x.size(-1)
        if self.onednn and rows > 1 and rows <= 16 and x.dtype == torch.float:
            if weight.dtype == torch.float and weight.t().is_contiguous():
                for width in range(48, 81):
                    if inputs > width and inputs % width == 0:
                        return inputs // width
        return 0

    def sliced(self, x: Tensor, weight: Tensor, bias: Optional[Tensor], slices: int) -> Tensor:
        rows = x.numel() // x.size(-1)
        left = x.reshape(rows, slices, -1).transpose(0, 1)
        out = torch.bmm(left, weight.t().view(slices, -1, weight.size(0))).sum(0)
        if bias is not None:
            out.add_(bias)
        shape = list(x.shape)
        shape[-1] = weight.size(0)
        return out.view(shape)

    def product(self, x: Tensor, weight: Tensor, bias: Optional[Tensor]) -> Tensor:
        """In the weight's type."""
        x = x.to(weight.dtype)
        slices = self.slices(x, weight)
        if slices > 0:
            return self.sliced(x, weight, bias, slices)
        if self.onednn and not self.is_one_row(x):
            return torch.ops.mkldnn._linear_pointwise(x.contiguous(), weight, bias, "none", [], "")
        else:
            return F.linear(x, weight, bias)

    def product_activated(
        self, x: Tensor, weight: Tensor, bias: Tensor, name: str, form: str
    ) -> Tensor:
        if self.onednn:
            if name != "quick" and not self.is_one_row(x) and self.slices(x, weight) == 0:
                x = x.to(weight.dtype).contiguous()
                return torch.ops.mkldnn._linear_pointwise(x, weight, bias, name, [], form)
        return activation(self.product(x, weight, bias), name, form)

    def product_plus(self, x: Tensor, weight: Tensor, bias: Tensor, residual: Tensor) -> Tensor:
        """In float32."""
        if self.onednn:
            wide = not self.is_one_row(x) and self.slices(x, weight) == 0
            if weight.dtype == residual.dtype and wide:
                return torch.ops.mkldnn._linear_pointwise(
                    x.contiguous(), residual.contiguous(), weight, bias, "add"
                )
        return residual + self.product(x, weight, bias)

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, scale: float, causal: bool, mask: List[Tensor]
    ) -> Tensor:
        m: Optional[Tensor] = None
        if len(mask) > 0:
            m = mask[0].to(q.dtype)
        z = F.scaled_dot_product_attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            attn_mask=m,
            is_causal=causal,
            scale=scale,
        )
        return z.transpose(1, 2)

    def split(self, qkv: Tensor, heads: int) -> List[Tensor]:
        return qkv.view(qkv.size(0), qkv.size(1), 3, heads, -1).unbind(2)

    def mlp(self, mid: Tensor, w: List[Tensor], epsilon: float, name: str, form: str) -> Tensor:
        """mid plus the MLP's output."""
        normed = F.layer_norm(mid, [mid.size(-1)], w[6], w[7], epsilon)
        post = self.product_activated(normed, w[8], w[9], name, form)
        return self.product_plus(post, w[10], w[11], mid)

    @torch.jit.export
    def block(
        self,
        x: Tensor,
        w: List[Tensor],
        heads: int,
        scale: float,
        epsilon: float,
        name: str,
        form: str,
        causal: bool,
        mask: List[Tensor],
    ) -> Tensor:
        """The residual stream [b, p, d] after a block."""
        normed = F.layer_norm(x, [x.size(-1)], w[0], w[1], epsilon)
        q, k, v = self.split(self.product(normed, w[2], w[3]), heads)
        z = self.attend(q, k, v, scale, causal, mask).reshape(x.shape)
        return self.mlp(self.product_plus(z, w[4], w[5], x), w, epsilon, name, form)

    @torch.jit.export
    def cached_block(
        self,
        x: Tensor,
        w: List[Tensor],
        heads: int,
        scale: float,
        epsilon: float,
        name: str,
        form: str,
        causal: bool,
        mask: List[Tensor],
        keys: Tensor,
        values: Tensor,
        slot: int,
    ) -> Tensor:
        """The same behind earlier keys and values [b, slots, h, d_head], which it adds to."""
        normed = F.layer_norm(x, [x.size(-1)], w[0], w[1], epsilon)
        q, k, v = self.split(self.product(normed, w[2], w[3]), heads)
        k = self.extend(keys, k, slot)
        v = self.extend(values, v, slot)
        z = self.attend(q.float(), k, v, scale, causal, mask).reshape(x.shape)
        return self.mlp(self.product_plus(z.to(w[4].dtype), w[4], w[5], x), w, epsilon, name, form)

    @torch.jit.export
    def extend(self, store: Tensor, fresh: Tensor, slot: int) -> Tensor:
        """Writes fresh [b, p, h, d_head] behind the slots in use; gives all up to its end."""
        store.narrow(1, slot, fresh.size(1)).copy_(fresh)
        return store.narrow(1, 0, slot + fresh.size(1))

    @torch.jit.export
    def embed(self, ids: Tensor, table: Tensor) -> Tensor:
        return F.embedding(ids, table)

    @torch.jit.export
    def linear(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """x [..., in] to [..., out]."""
        return self.product(x, weight, bias).float()

    @torch.jit.export
    def linear_activated(
        self, x: Tensor, weight: Tensor, bias: Tensor, name: str, form: str
    ) -> Tensor:
        return self.product_activated(x, weight, bias, name, form).float()

    @torch.jit.export
    def linear_plus(self, x: Tensor, weight: Tensor, bias: Tensor, residual: Tensor) -> Tensor:
        return self.product_plus(x, weight, bias, residual)

    @torch.jit.export
    def qkv(self, x: Tensor, weight: Tensor, bias: Tensor, heads: int) -> List[Tensor]:
        """x [b, p, d] to queries, keys and values, [b, p, h, d_head] each."""
        return self.split(self.product(x, weight, bias).float(), heads)

    @torch.jit.export
    def layer_norm(self, x: Tensor, weight: Tensor, bias: Tensor, epsilon: float) -> Tensor:
        return F.layer_norm(x, [x.size(-1)], weight, bias, epsilon)

    @torch.jit.export
    def center(self, x: Tensor) -> Tensor:
        return x - x.mean(-1, keepdim=True)

    @torch.jit.export
    def scale(self, centered: Tensor, epsilon: float) -> Tensor:
        return centered.square().mean(-1, keepdim=True).add_(epsilon).sqrt_()

    @torch.jit.export
    def affine(self, normalized: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return torch.addcmul(bias, normalized, weight)

    @torch.jit.export
    def scores(self, q: Tensor, k: Tensor, scale: float, mask: List[Tensor]) -> Tensor:
        """q [b, p, h, d_head] and k [b, k, h, d_head] to [b, h, p, k]."""
        scores = torch.matmul((q * scale).transpose(1, 2), k.permute(0, 2, 3, 1))
        if len(mask) > 0:
            scores.add_(mask[0])
        return scores

    @torch.jit.export
    def pattern(self, scores: Tensor, may_hide_all: bool) -> Tensor:
        pattern = scores.softmax(-1)
        if may_hide_all:
            pattern.masked_fill_(pattern.isnan(), 0.0)
        return pattern

    @torch.jit.export
    def mix(self, pattern: Tensor, v: Tensor) -> Tensor:
        """pattern [b, h, p, k] and v [b, k, h, d_head] to [b, p, h, d_head]."""
        return torch.matmul(pattern, v.transpose(1, 2)).transpose(1, 2)

    @torch.jit.export
    def attention(
        self, q: Tensor, k: Tensor, v: Tensor, scale: float, causal: bool, mask: List[Tensor]
    ) -> Tensor:
        return self.attend(q, k, v, scale, causal, mask)

    @torch.jit.export
    def activate(self, x: Tensor, name: str, form: str) -> Tensor:
        return activation(x, name, form)

    @torch.jit.export
    def unembed(self, x: Tensor, weight: Tensor, bias: List[Tensor], mkl: bool) -> Tensor:
        """Logits in float32: x [..., d] and weight [d_vocab, d] to [..., d_vocab].

        mkl: float32 products of many rows by MKL, also where oneDNN is at hand.
        """
        flat = x.reshape(-1, x.size(-1))
        shape = list(x.shape)
        shape[-1] = weight.size(0)
        if weight.dtype == torch.float:
            if flat.size(0) > 2 and flat.size(0) <= 32:
                # A few columns instead of a few rows: the tall weight is read once, in order.
                out = torch.mm(weight, flat.t()).t().contiguous()
            elif mkl or flat.size(0) <= 2:
                out = torch.mm(flat, weight.t())
            else:
                out = self.product(flat, weight, None)
            if len(bias) > 0:
                out.add_(bias[0])
            return out.view(shape)
        out = torch.empty([flat.size(0), weight.size(0)], dtype=torch.float, device=x.device)
        # Widened while the rows are still in the cache.
        step = 64
        for start in range(0, flat.size(0), step):
            rows = flat.narrow(0, start, min(step, flat.size(0) - start))
            out.narrow(0, start, rows.size(0)).copy_(self.product(rows, weight, None))
        if len(bias) > 0:
            out.add_(bias[0])
        return out.view(shape)

    @torch.jit.export
    def to_bfloat16(self, x: Tensor) -> Tensor:
        return x.to(torch.bfloat16)

    @torch.jit.export
    def to_bfloat16_weight(self, weight: Tensor) -> Tensor:
        """A weight [out, in] as products in bfloat16 read it, for as many rows as there may be."""
        narrow = weight.to(torch.bfloat16)
        if self.onednn:
            return torch.ops.mkldnn._reorder_linear_weight(narrow.contiguous())
        return narrow


def module() -> torch.nn.Module:
    return Forward()
