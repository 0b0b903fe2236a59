"""The same with oneDNN's product. For engines on x86 processors."""

import torch
from bound import Bound


def module() -> torch.nn.Module:
    return Bound(onednn=True)
