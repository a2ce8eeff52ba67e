"""Blendshapes become expressions that move the same landmarks, and expressions become blendshapes again."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.optimize import lsq_linear

from real3d_core.errors import Real3DError
from real3d_core.face_model import topology as t
from real3d_core.face_model.blendshapes import canonical_shapes
from real3d_core.face_model.expression_map import expression_to_shapes, shapes_to_expression
from real3d_core.wires import ARKIT_INDEX, ARKIT_NAMES
from tests.bfm_making import UNMATCHED, synthetic_face_model
from tests.deterministic import normal
from tests.expressive_bfm import CENTIMETRE, expressive_face_model

NOT_SHOWN = [n for n in ARKIT_NAMES if n.startswith(("eyeBlink", "eyeLook")) or n == "tongueOut"]
IDENTITY, OWN = 0.5 * normal("map identity", (80,)), 0.3 * normal("map expression", (64,))
MATCHED = np.delete(np.arange(468), UNMATCHED)
PERSONAL = ("mouthClose", "eyeSquint", "eyeWide", "mouthSmile", "smileRelax")
"""Shapes that depend on the portrait."""


@pytest.fixture(scope="module")
def there():
    return shapes_to_expression(expressive_face_model(), IDENTITY, OWN)


@pytest.fixture(scope="module")
def average():
    """The map of the mean face, whose eyes and mouth are as far open as those that `back` reckons with."""
    return shapes_to_expression(expressive_face_model(), torch.zeros(80), torch.zeros(64))


@pytest.fixture(scope="module")
def back():
    return expression_to_shapes(expressive_face_model())


def moved(expression, model=None):
    """[n, 460, 3] model units: what expressions [n, 64] do to the matched landmarks."""
    model = model or expressive_face_model()
    return model.at(model.index468).offset(torch.zeros(80), expression).numpy()[:, MATCHED]


def cosine(one, other):
    return float((one * other).sum() / np.linalg.norm(one) / np.linalg.norm(other))


def talking(frames):
    """[n, 64] expressions as large as speech makes them."""
    return 0.4 * normal("talking", (frames, 64))


def test_every_shape_moves_its_landmarks(there):
    fixed = [n for n in there.names if not n.startswith(PERSONAL)]
    assert len(fixed) == 35
    for name, got in zip(fixed, moved(there.matrix[[there.names.index(n) for n in fixed]]), strict=True):
        wanted = CENTIMETRE * canonical_shapes()[name][MATCHED]
        # The person's head is not quite as large as the canonical one.
        assert cosine(got, wanted) > 0.98, name
        assert 0.85 < (got * wanted).sum() / (wanted**2).sum() < 1.15, name


@pytest.mark.parametrize(
    ("name", "vertex", "axis", "sign"),
    [
        ("jawOpen", 152, 1, -1),
        ("mouthSmileLeft", 291, 1, 1),
        ("mouthPucker", 291, 0, -1),
        ("browInnerUp", 107, 1, 1),
        ("browDownLeft", 336, 1, -1),
        ("eyeWideRight", 159, 1, 1),
        ("cheekPuff", 205, 2, 1),
        ("noseSneerLeft", 327, 1, 1),
    ],
)
def test_moves_the_right_way_and_leaves_the_rest(there, name, vertex, axis, sign):
    everywhere = np.zeros((468, 3))
    everywhere[MATCHED] = moved(there.matrix[there.names.index(name)][None])[0]
    assert sign * everywhere[vertex, axis] > 0.004
    elsewhere = t.LIPS if name.startswith(("brow", "eye")) else t.RIGHT_BROW + t.LEFT_BROW
    strongest = np.linalg.norm(everywhere, axis=1).max()
    assert np.linalg.norm(everywhere[list(elsewhere)], axis=1).max() < 0.06 * strongest


def test_no_shape_closes_lids_and_no_weight_moves_nothing(there, back):
    assert not [name for name in there.names if name.startswith(("eyeBlink", "eyeHalfClosed", "eyeLook"))]
    assert not there(torch.zeros(3, len(there.names))).any()
    assert not back(torch.zeros(3, 64)).any()


def test_it_is_the_portraits_own(there):
    """A mouth that stands open has a long way to close."""
    jaw = there.matrix[there.names.index("jawOpen")]
    closing = []
    for share in (0.0, 0.5):
        shapes = shapes_to_expression(expressive_face_model(), IDENTITY[None], (share * jaw)[None])
        (got,) = moved(shapes.matrix[shapes.names.index("mouthClose")][None])
        lower, upper = (np.searchsorted(MATCHED, point) for point in (14, 13))
        closing.append(got[lower, 1] - got[upper, 1])
    assert closing[1] > closing[0] + 0.05


def test_there_and_back(average, back):
    """One shape at a time: it comes back, and nothing else does as strongly."""
    names = [n for n in average.names if n in ARKIT_NAMES and n != "mouthClose"]
    rows = back(torch.stack([average.matrix[average.names.index(n)] for n in names]))
    for name, row in zip(names, rows, strict=True):
        assert row.argmax() == ARKIT_INDEX[name], name
        assert row[ARKIT_INDEX[name]] > (0.55 if name.startswith("mouth") else 0.7), name


def test_a_moving_face_comes_back_as_it_was(there, back):
    """Of whole faces the weights may differ where shapes resemble each other, the landmarks may not."""
    rng = np.random.default_rng(5)
    chosen = [n for n in there.names if n in ARKIT_NAMES and n != "mouthClose"]
    columns = [there.names.index(n) for n in chosen]
    weights = torch.zeros(60, len(there.names))
    weights[:, columns] = torch.from_numpy(rng.uniform(-1, 0.8, (60, len(columns)))).float().clamp(min=0)
    expression = there(weights)
    again = back(expression)
    assert not again[:, [ARKIT_INDEX[name] for name in NOT_SHOWN]].any()
    assert float(again.min()) >= 0 and float(again.max()) <= 1
    found = torch.zeros_like(weights)
    found[:, columns] = again[:, [ARKIT_INDEX[n] for n in chosen]]
    one, other = moved(expression), moved(there(found))
    assert np.mean([cosine(a, b) for a, b in zip(one, other, strict=True)]) > 0.97
    for name in ("jawOpen", "browInnerUp", "mouthSmileLeft", "browDownRight"):
        before, after = weights[:, there.names.index(name)], again[:, ARKIT_INDEX[name]]
        assert np.corrcoef(before, after)[0, 1] > 0.95, name


def test_lips_that_meet_over_an_open_jaw(there, back):
    def at(**weights):
        row = torch.zeros(1, len(there.names))
        for name, value in weights.items():
            row[0, there.names.index(name)] = value
        return back(there(row))[0]

    parted, together = at(jawOpen=0.6), at(jawOpen=0.6, jawOpenLipsTogether=0.5)
    close, jaw = ARKIT_INDEX["mouthClose"], ARKIT_INDEX["jawOpen"]
    assert parted[close] < 0.05
    assert together[close] == pytest.approx(0.5, abs=0.1) and together[jaw] == pytest.approx(0.6, abs=0.1)


def test_lips_that_meet_are_told_from_lips_that_part(average, back):
    def closed(**weights):
        row = torch.zeros(1, len(average.names))
        for name, value in weights.items():
            row[0, average.names.index(name)] = value
        return float(back.closed_lips(average(row))[0])

    assert closed() == 1
    assert closed(jawOpen=0.5) == 0 and 0 < closed(jawOpen=0.02) < 1
    assert closed(jawOpen=0.5, jawOpenLipsTogether=0.5) > 0.8
    assert closed(mouthUpperUpLeft=0.6, mouthUpperUpRight=0.6) < 0.5
    assert closed(browInnerUp=1) == pytest.approx(1, abs=0.05) == closed(mouthSmileLeft=0.5)


def test_the_weights_are_the_best_within_bounds(back):
    """Against an exact solver, one frame at a time."""
    expression = talking(12)
    factor = np.linalg.cholesky(back.gram).T
    least = [-1 if name == "jawLeft" else 0 for name in back.names]
    for row, got in zip(expression.double().numpy() @ back.products, back(expression), strict=True):
        best = lsq_linear(factor, np.linalg.solve(factor.T, row), (least, 1), tol=1e-12).x
        for name, value in zip(back.names, best, strict=True):
            if name == "jawLeft":
                assert got[ARKIT_INDEX["jawRight"]] == pytest.approx(max(-value, 0), abs=1e-3)
            if not name.startswith(("eyeBlink", "mouthClose")):
                assert got[ARKIT_INDEX[name]] == pytest.approx(max(value, 0), abs=1e-3), name


def test_a_frame_depends_on_itself_alone(there, back):
    expression = talking(300)
    whole = back(expression)
    for frame in (0, 255, 256, 299):
        assert torch.allclose(back(expression[frame : frame + 1])[0], whole[frame], atol=1e-6)
    weights = normal("weights", (9, len(there.names)))
    assert torch.allclose(there(weights[4:5])[0], there(weights)[4], atol=1e-6)


def test_small_steps_stay_small(back):
    """No flicker: along a straight path no weight jumps."""
    path = torch.lerp(talking(2)[:1], talking(2)[1:], torch.linspace(0, 1, 201)[:, None])
    assert back(path).diff(dim=0).abs().max() < 0.05


def test_landmarks_without_a_vertex_count_nothing(there):
    model = expressive_face_model()
    index = model.index468.clone()
    index[UNMATCHED] = 1234
    other = shapes_to_expression(replace(model, index468=index), IDENTITY, OWN)
    assert torch.equal(other.matrix, there.matrix)


def test_a_basis_that_cannot_follow_is_not_driven_wild():
    """Waves over the whole head, landmarks anywhere: what cannot be shown is left, not forced."""
    shapes = shapes_to_expression(synthetic_face_model(), torch.zeros(80), torch.zeros(64))
    back = expression_to_shapes(synthetic_face_model())
    fixed = [shapes.names.index(name) for name in shapes.names if not name.startswith(PERSONAL)]
    assert torch.isfinite(shapes.matrix).all() and shapes.matrix[fixed].abs().max() < 1
    weights = back(talking(20) * 20)
    assert torch.isfinite(weights).all() and weights.min() >= 0 and weights.max() <= 1


def test_time_and_cancelling(back):
    start = time.perf_counter()
    back(talking(1500))
    assert time.perf_counter() - start < 3  # 0.1 s measured
    calls = []

    def stop():
        calls.append(1)
        if len(calls) == 3:
            raise Real3DError("Stopped.")

    with pytest.raises(Real3DError):
        back(talking(1500), stop)
    assert len(calls) == 3
