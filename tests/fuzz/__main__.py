"""Hostile inputs of every kind: `python -m tests.fuzz --cases 2000 --seed 1`.

Each case must end in a valid result or in one of the pack's own errors, in one sentence, with no half-written
file left. A case that does not is named by its number; this runs it alone and shows its traceback:
`python -m tests.fuzz --seed 1 --only 137`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from tests import conftest  # loads the pack

from .bench import ROOT, bench_in
from .judge import Verdict, judge


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="run this case alone and show its traceback")
    parser.add_argument("--kind", help="run the cases of this kind alone")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="holds real3d_portrait/")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.cases)
    numbers = [options.only] if options.only is not None else numbers
    start, verdicts = time.perf_counter(), []
    with tempfile.TemporaryDirectory(prefix="real3d_fuzz_") as name:
        (folder := Path(name) / "bench").mkdir()
        with bench_in(folder, options.models.resolve()) as bench:
            for number in numbers:
                verdict = judge(
                    number, options.seed, bench, only=options.kind, debug=options.only is not None
                )
                if verdict is None:
                    continue
                verdicts.append(verdict)
                for fault in verdict.faults:
                    print(f"{number} {verdict.kind} ({verdict.words}): {fault}", flush=True)
    print(table(verdicts, options.seed, time.perf_counter() - start))
    return any(verdict.faults for verdict in verdicts)


def table(verdicts: list[Verdict], seed: int, seconds: float) -> str:
    """Counts by kind, the distinct errors, and the sums."""
    kinds: dict[str, list[Verdict]] = defaultdict(list)
    errors: dict[str, int] = defaultdict(int)
    for verdict in verdicts:
        kinds[verdict.kind].append(verdict)
        errors[verdict.error] += bool(verdict.error)
    errors.pop("", None)
    lines = [f"{'kind':18}{'cases':>7}{'valid':>7}{'typed':>7}{'distinct':>9}{'faults':>8}{'seconds':>9}"]
    for kind, group in sorted(kinds.items()):
        typed = [verdict.error for verdict in group if verdict.error]
        bad = sum(bool(verdict.faults) for verdict in group)
        valid = sum(not verdict.error and not verdict.faults for verdict in group)
        spent = sum(verdict.seconds for verdict in group)
        lines.append(f"{kind:18}{len(group):7}{valid:7}{len(typed):7}{len(set(typed)):9}{bad:8}{spent:9.1f}")
    lines += ["", *(f"{count:5} x {error}" for error, count in sorted(errors.items(), key=lambda e: -e[1]))]
    untyped = sum(verdict.untyped for verdict in verdicts)
    left = sum(len(verdict.left) for verdict in verdicts)
    lines += [
        "",
        f"{len(verdicts)} cases of seed {seed} in {seconds:.0f} s: {len(errors)} distinct errors, {untyped}"
        f" untyped, {left} files left, {sum(bool(verdict.faults) for verdict in verdicts)} cases with faults",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    assert conftest.PACK in sys.modules
    sys.exit(main())
