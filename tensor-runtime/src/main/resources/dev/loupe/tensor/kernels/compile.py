"""Compiles the modules of this folder: python compile.py [NAME ...], with torch 2.7.1."""

import importlib
import io
import pathlib
import sys
import zipfile

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

for name in sys.argv[1:] or ["forward"]:
    scripted = torch.jit.script(importlib.import_module(name).module())
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    # The debug records name files of the machine that compiled; the engine does without them.
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(HERE / f"{name}.pt", "w") as slim:
        for entry in whole.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                slim.writestr(entry, whole.read(entry))
    print(f"{name}.pt", (HERE / f"{name}.pt").stat().st_size, "bytes")
