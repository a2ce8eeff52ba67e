"""One copy of each module: the short name and the package's name reach the same classes."""

import sys
from collections import defaultdict
from pathlib import Path

from real3d_core.errors import Real3DError
from real3d_core.wires import Motion


def test_one_copy():
    import real3d_portrait.real3d_core.errors
    import real3d_portrait.real3d_core.wires

    assert Real3DError is real3d_portrait.real3d_core.errors.Real3DError
    assert Motion is real3d_portrait.real3d_core.wires.Motion
    assert Motion.still(3).channel("jawOpen").shape == (3,)
    assert Motion.__module__ == "real3d_portrait.real3d_core.wires"


def test_no_module_is_loaded_twice():
    root = Path(sys.modules["real3d_portrait"].__file__).parent
    copies = defaultdict(set)
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and Path(file).is_relative_to(root) and "site-packages" not in Path(file).parts:
            copies[file].add(id(module))
    assert len(copies) > 3
    assert [file for file, modules in copies.items() if len(modules) > 1] == []
