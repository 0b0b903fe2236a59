"""Compiles modules, with torch 2.7.1: python compile.py SOURCE.py ..."""

import importlib
import io
import pathlib
import sys
import zipfile

import torch

for source in map(pathlib.Path, sys.argv[1:]):
    sys.path.insert(0, str(source.parent.resolve()))
    scripted = torch.jit.script(importlib.import_module(source.stem).module())
    target = source.with_suffix(".pt")
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer)
    # The debug records name files of the machine that compiled; the engine does without them.
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(target, "w") as slim:
        for entry in whole.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                slim.writestr(entry, whole.read(entry))
    print(target, target.stat().st_size, "bytes")
