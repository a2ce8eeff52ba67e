"""Writes the templates of workflows/ and the blueprint of subgraphs/ from their descriptions.

python -m tools.templates            all of them
python -m tools.templates NAME ...   these
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from run_workflow import PACK, load_pack

ROOT = Path(__file__).resolve().parents[2]


def main(names: list[str]) -> None:
    """Writes the files of these templates, or of all."""
    if PACK not in sys.modules:
        load_pack()
    from . import TEMPLATES
    from .blueprint import BLUEPRINTS

    for name in names or (*TEMPLATES, *BLUEPRINTS):
        is_blueprint = name in BLUEPRINTS
        made = BLUEPRINTS[name]() if is_blueprint else TEMPLATES[name]().workflow()
        file = ROOT / ("subgraphs" if is_blueprint else "workflows") / f"{name}.json"
        file.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main(sys.argv[1:])
