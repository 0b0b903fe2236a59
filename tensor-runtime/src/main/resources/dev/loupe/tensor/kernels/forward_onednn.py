"""The forward pass with oneDNN's products, which add biases, residuals and activations on the way.

For engines on x86 processors; elsewhere the plain form runs.
"""

import torch
from forward import Forward


def module() -> torch.nn.Module:
    return Forward(onednn=True)
