"""Writes the templates of workflows/ and the blueprint of subgraphs/ from their descriptions.

python -m tools.templates            all of them
python -m tools.templates NAME ...   these
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from run_workflow import PACK, load_pack

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"


def main(names: list[str]) -> None:
    """Writes the files of these templates, or of all."""
    if PACK not in sys.modules:
        load_pack()
    from . import TEMPLATES

    for name in names or TEMPLATES:
        text = json.dumps(TEMPLATES[name]().workflow(), indent=2, ensure_ascii=False)
        (WORKFLOWS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
