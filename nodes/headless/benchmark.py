"""Times a workflow: once-only work, each frame from tri-plane to file, and what the fast sampler saves.

Every timed run starts from the graph, nothing is kept between runs. The same graph with the plain sampler
runs beside it on few frames, so that the ratio holds for this machine at this moment.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from ...real3d_core.errors import WorkflowError
from ...real3d_core.timing import recording
from .execute import SHOWS_ONLY, RunResult, run
from .graph import Graph, Registry
from .session import changed, current
from .validate import output_nodes

RENDER, MOTION = "R3DP_RenderTriplane", "R3DP_AudioToMotion"
WARM_UP_FRAMES = 3  # enough to import and to fill every cache


@dataclass(frozen=True)
class Timing:
    """One timed run. Seconds; `nodes` and `stages` by name, stages summed over worker threads."""

    frames: int
    total: float
    saving: float
    nodes: dict[str, float]
    stages: dict[str, float]


@dataclass(frozen=True)
class Figures:
    """Medians of all timed runs.

    machine             what they were measured on.
    frames, runs        frames of each run, and how many runs.
    once                seconds before the first frame: portrait, head, motion, and everything else.
    per_frame           seconds for each frame, rendered, composed, encoded and written.
    end_to_end          seconds of the whole run for each frame.
    nodes               seconds of each node.
    stages              milliseconds of each stage for each frame, summed over worker threads.
    plain_per_frame     `per_frame` with the plain sampler; None if the workflow renders no tri-plane.
    times_faster        plain_per_frame / per_frame.
    """

    machine: dict[str, Any]
    frames: int
    runs: int
    once: float
    per_frame: float
    end_to_end: float
    nodes: dict[str, float]
    stages: dict[str, float]
    plain_per_frame: float | None
    times_faster: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times to a tenth of a millisecond."""
        return _rounded(asdict(self))


def benchmark(graph: Graph, registry: Registry, frames: int, runs: int, plain_frames: int) -> Figures:
    """Times a workflow in the current session; WorkflowError if it saves no video or counts are below 1."""
    if min(frames, runs, plain_frames) < 1:
        raise WorkflowError("A benchmark needs at least one frame and one run; give greater numbers.")
    saving = [node.id for node in output_nodes(graph, registry) if node.kind not in SHOWS_ONLY]
    if len(saving) != 1:
        raise WorkflowError("A benchmark needs a workflow with one node that saves a video.")
    _timed(graph, registry, saving[0], WARM_UP_FRAMES)
    timings = [_timed(graph, registry, saving[0], frames) for _ in range(runs)]
    plain_graph = _with_sampler(graph, "plain")
    plain = None if plain_graph is None else _timed(plain_graph, registry, saving[0], plain_frames)
    per_frame = median(one.saving / one.frames for one in timings)
    plain_per_frame = None if plain is None else plain.saving / plain.frames
    return Figures(
        machine=machine_facts(),
        frames=timings[0].frames,
        runs=runs,
        once=median(one.total - one.saving for one in timings),
        per_frame=per_frame,
        end_to_end=median(one.total / one.frames for one in timings),
        nodes=_medians(one.nodes for one in timings),
        stages=_medians({k: 1000 * v / one.frames for k, v in one.stages.items()} for one in timings),
        plain_per_frame=plain_per_frame,
        times_faster=None if plain_per_frame is None else plain_per_frame / per_frame,
    )


def _timed(graph: Graph, registry: Registry, saving: str, frames: int) -> Timing:
    fps = next((node.inputs.get("fps") for node in graph.nodes.values() if node.kind == MOTION), None)
    folder = current().temp / "benchmark"
    try:
        with changed(output=folder, output_file=None, longest_sound=frames / (fps or 25.0)):
            start = time.perf_counter()
            with recording() as recorder:
                result = run(graph, registry)
            total = time.perf_counter() - start
            made = result.value(saving).get_frame_count()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    stages = {name: one.seconds for name, one in recorder.times().items()}
    return Timing(made, total, result.seconds[saving], _by_title(graph, result), stages)


def _by_title(graph: Graph, result: RunResult) -> dict[str, float]:
    return {graph.nodes[key].title: seconds for key, seconds in result.seconds.items()}


def _with_sampler(graph: Graph, sampler: str) -> Graph | None:
    """The graph with every Render Triplane set to a sampler; None if it has none."""
    renderers = [node for node in graph.nodes.values() if node.kind == RENDER]
    for node in renderers:
        graph = graph.with_node(node.with_input("sampler", sampler))
    return graph if renderers else None


def _medians(runs: Iterable[dict[str, float]]) -> dict[str, float]:
    runs = list(runs)
    return {name: median(one.get(name, 0.0) for one in runs) for name in runs[0]}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def machine_facts() -> dict[str, Any]:
    """What the figures depend on."""
    import torch

    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def table(figures: Figures) -> str:
    """The figures as a Markdown table."""
    machine = ", ".join(f"{name} {value}" for name, value in figures.machine.items())
    rows = [
        ("all before the first frame", f"{figures.once:.2f} s"),
        ("each frame, rendered and encoded", f"{figures.per_frame:.3f} s"),
        ("end to end, for each frame", f"{figures.end_to_end:.3f} s"),
    ]
    if figures.plain_per_frame is not None:
        rows.append(("each frame with the plain sampler", f"{figures.plain_per_frame:.3f} s"))
        rows.append(("the fast sampler is faster by", f"{figures.times_faster:.1f} x"))
    rows += [(f"node: {name}", f"{seconds:.2f} s") for name, seconds in figures.nodes.items()]
    rows += [(f"stage: {name}, for each frame", f"{ms:.1f} ms") for name, ms in figures.stages.items()]
    width = max(len(name) for name, _ in rows)
    lines = [f"{figures.frames} frames, median of {figures.runs} runs; {machine}", ""]
    lines += [f"| {'':{width}} | {'':>9} |", f"| {'-' * width} | {'-' * 8}: |"]
    return "\n".join([*lines, *(f"| {name:{width}} | {value:>9} |" for name, value in rows)])
