"""Norms, eigenvalues and singular values of products of a model's weights, each function one TorchScript method.

h heads, m wide each (d_head), d wide the residual stream. A head's factors lie as [m, d].
"""

from typing import List

import torch
from torch import Tensor


class Spectra(torch.nn.Module):
    @torch.jit.export
    def factor(self, outer: Tensor, inner: Tensor) -> Tensor:
        """R inner with outer^T = Q R, of [h, m, d] each: its products have the norms of outer^T inner's."""
        r = torch.linalg.qr(outer.float().transpose(1, 2), mode="r")[1]
        return r @ inner.float()

    @torch.jit.export
    def composition(self, left: Tensor, right: Tensor) -> Tensor:
        """|left right^T| / (|left| |right|) in Frobenius norms, of all pairs of [h, m, d]: [h, h]; 0 / 0 is 0."""
        heads = left.size(0)
        products = left.flatten(0, 1) @ right.flatten(0, 1).t()
        blocks = products.view(heads, left.size(1), heads, right.size(1))
        norms = blocks.square().sum([1, 3]).sqrt()
        scale = torch.linalg.vector_norm(left, 2, [1, 2])[:, None] * torch.linalg.vector_norm(right, 2, [1, 2])
        return torch.where(scale > 0, norms / scale, torch.zeros_like(norms))

    @torch.jit.export
    def table_product(self, left: Tensor, right: Tensor) -> Tensor:
        """left^T right of two tables [n, d]: [d, d]."""
        return (left.t() @ right).float()

    @torch.jit.export
    def eigenvalues(self, inner: Tensor, middle: List[Tensor], outer: Tensor) -> Tensor:
        """Those of inner middle outer^T, [h, m, d] and [d, d] or nothing: [h, m, 2], real and imaginary parts."""
        a = inner.double()
        if len(middle) > 0:
            a = a @ middle[0].double()
        product = a @ outer.double().transpose(1, 2)
        return torch.view_as_real(torch.linalg.eigvals(product.cpu())).contiguous()

    @torch.jit.export
    def singular(self, w: Tensor, count: int) -> List[Tensor]:
        """The largest of w [n, k]: left directions [count, n], values [count], right directions [count, k]."""
        u, s, vh = torch.linalg.svd(w.cpu().double(), full_matrices=False)
        return [u.t()[:count].float().contiguous(), s[:count].float(), vh[:count].float().contiguous()]

    @torch.jit.export
    def singular_of_product(self, left: Tensor, right: Tensor, count: int) -> List[Tensor]:
        """The same of left^T right, both [m, d], by way of m x m."""
        q_left, r_left = torch.linalg.qr(left.cpu().double().t())
        q_right, r_right = torch.linalg.qr(right.cpu().double().t())
        u, s, vh = torch.linalg.svd(r_left @ r_right.t())
        u = (q_left @ u).t()[:count]
        v = vh[:count] @ q_right.t()
        return [u.float().contiguous(), s[:count].float(), v.float().contiguous()]


def module() -> torch.nn.Module:
    return Spectra()
