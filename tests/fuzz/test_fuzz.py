"""200 hostile inputs; thousands by `python -m tests.fuzz` (CONTRIBUTING.md)."""

import pytest

from .bench import bench_in
from .judge import CASES, judge

COUNT, SEED = 200, 0
GROUPS = 8  # tests; each makes its own bench, so that it can run alone


@pytest.fixture(scope="module")
def bench(tmp_path_factory, models_folder):
    pytest.importorskip("skimage.data", reason="the demo photo comes with scikit-image")
    folder = tmp_path_factory.mktemp("fuzz") / "bench"
    folder.mkdir()
    with bench_in(folder, models_folder.resolve()) as bench:
        yield bench


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("group", range(GROUPS))
def test_hostile_inputs_end_in_a_result_or_in_one_sentence(bench, group):
    verdicts = [judge(number, SEED, bench) for number in range(group, COUNT, GROUPS)]
    faults = [
        f"case {one.number} ({one.kind}, {one.words}): {fault}" for one in verdicts for fault in one.faults
    ]
    assert not faults, "\n".join([f"python -m tests.fuzz --seed {SEED} --only NUMBER shows a case", *faults])
    assert len({one.error for one in verdicts}) > 5 and any(not one.error for one in verdicts)


def test_a_case_is_the_same_each_time(bench):
    for number in range(0, len(CASES), 5):
        first, again = (judge(number, SEED, bench) for _ in range(2))
        assert (first.words, first.error, first.faults) == (again.words, again.error, again.faults)
