"""Compiles modules, with torch 2.7.1: python compile.py SOURCE.py ...

Each module says in its file `extra/sources` which sources it was made of: a SHA-256 and a name in each line.
"""

import hashlib
import importlib
import io
import pathlib
import sys
import zipfile

import torch


def sources(folder: pathlib.Path) -> list[pathlib.Path]:
    """What was imported from a folder so far, this program aside."""
    files = {pathlib.Path(m.__file__) for m in sys.modules.values() if getattr(m, "__file__", None)}
    return sorted(f for f in files if f.parent == folder and f != pathlib.Path(__file__).resolve())


for source in map(pathlib.Path, sys.argv[1:]):
    folder = source.parent.resolve()
    sys.path.insert(0, str(folder))
    for earlier in sources(folder):
        sys.modules.pop(earlier.stem, None)
    scripted = torch.jit.script(importlib.import_module(source.stem).module())
    target = source.with_suffix(".pt")
    lines = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in sources(folder)]
    buffer = io.BytesIO()
    torch.jit.save(scripted, buffer, _extra_files={"sources": "".join(lines)})
    # The debug records name files of the machine that compiled; the engine does without them.
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(target, "w") as slim:
        for entry in whole.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                slim.writestr(entry, whole.read(entry))
    print(target, target.stat().st_size, "bytes")
