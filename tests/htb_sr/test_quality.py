"""What a viewer would notice, measured on the demo portrait with the face nets.

Motion that is asked for is rendered, and measured back by detecting the face in the picture. Lengths are
shares of the distance between the outer eye corners (IOD).
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from real3d_core.audio_to_motion import AudioToMotionSettings, audio_to_motion
from real3d_core.errors import BackendError
from real3d_core.face_model.mesh import fit_similarity
from real3d_core.htb_sr import Form, HTBSRSettings, htb_sr
from real3d_core.image_to_plane import image_to_plane
from real3d_core.model import Model
from real3d_core.motion_adapter import motion_adapter
from real3d_core.ops import enlarge
from real3d_core.portrait.faces import find_faces
from real3d_core.portrait.nets import FaceNets
from real3d_core.render_triplane.cameras import head_transform, project, split_camera
from real3d_core.streaming import iterate_frames
from real3d_core.video.decoder import read_audio
from real3d_core.wires import ARKIT_INDEX, Camera, HeadRender, Motion, Portrait, RenderSettings, TriPlane

ANGLES = {"pitch": 0, "yaw": 1, "roll": 2}


@dataclass(frozen=True)
class Studio:
    """Renders and measures one portrait."""

    portrait: Portrait
    triplane: TriPlane
    nets: FaceNets

    @property
    def iod(self) -> float:
        points = self.portrait.landmarks[:, :2]
        return float((points[33] - points[263]).norm())

    def motion(self, *specs: dict[str, float]) -> Motion:
        """One frame a spec: pitch, yaw, roll in degrees; blendshapes by name, or by stem for both sides."""
        motion = Motion.still(len(specs))
        for row, spec in enumerate(specs):
            for name, value in spec.items():
                if name in ANGLES:
                    motion.euler[row, ANGLES[name]] = math.radians(value)
                    continue
                for full in [name] if name in ARKIT_INDEX else [name + "Left", name + "Right"]:
                    motion.blendshapes[row, ARKIT_INDEX[full]] = value
        return motion

    def head(self, motion: Motion) -> HeadRender:
        clip = motion_adapter(self.triplane, self.portrait, motion)
        return HeadRender(clip, Camera.front(), RenderSettings())

    def pictures(self, motion: Motion) -> np.ndarray:
        """uint8 [T, 512, 512, 3]."""
        frames = torch.cat(list(iterate_frames(htb_sr(self.head(motion), self.portrait))))
        return (frames * 255 + 0.5).to(torch.uint8).numpy()

    def detected(self, picture: np.ndarray) -> np.ndarray:
        """[478, 3] landmarks of the face in a picture."""
        faces = find_faces(picture, self.nets)
        assert faces, "the face was lost"
        return faces[0].landmarks

    def measured(self, *specs: dict[str, float]) -> list[np.ndarray]:
        return [self.detected(picture) for picture in self.pictures(self.motion(*specs))]

    def turn(self, landmarks: np.ndarray) -> np.ndarray:
        """(pitch, yaw, roll) in degrees of a detected face against the portrait."""
        flip = np.array([1, -1, -1])
        rest = self.portrait.landmarks.numpy()[:468] * flip
        r = fit_similarity(rest, landmarks[:468] * flip).rotation
        return np.degrees([-np.arcsin(r[1, 2]), np.arctan2(r[0, 2], r[2, 2]), np.arctan2(r[1, 0], r[0, 0])])

    def opening(self, p: np.ndarray) -> float:
        return float(np.linalg.norm(p[13, :2] - p[14, :2])) / self.iod

    def width(self, p: np.ndarray) -> float:
        return float(np.linalg.norm(p[61, :2] - p[291, :2])) / self.iod

    def eyes(self, p: np.ndarray) -> float:
        lids = np.linalg.norm(p[159, :2] - p[145, :2]) + np.linalg.norm(p[386, :2] - p[374, :2])
        return float(lids) / 2 / self.iod


@pytest.fixture(scope="module")
def studio(portrait, nets) -> Studio:
    return Studio(portrait, image_to_plane(portrait, Model.built_in()), nets)


@pytest.fixture(scope="module")
def speech(studio, request):
    """The demo's clip: audio, motion, every second picture and its landmarks."""
    audio = read_audio(request.config.rootpath / "demo" / "speech.flac")
    motion = audio_to_motion(audio, Model.built_in(), AudioToMotionSettings(seed=0))
    pictures = studio.pictures(motion[::2])
    return audio, motion, pictures, [studio.detected(p) for p in pictures]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(1 / ((a - b) ** 2).mean()))


def test_frontal_picture_is_the_photo(studio):
    from skimage.metrics import structural_similarity

    photo = studio.portrait.image.numpy()
    picture = studio.pictures(Motion.still(1))[0] / 255.0
    head = studio.portrait.head.numpy() > 0.98
    assert psnr(picture[head], photo[head]) >= 33
    ssim = structural_similarity(photo, picture, channel_axis=2, data_range=1.0, full=True)[1].mean(2)
    assert ssim[head].mean() >= 0.95
    raw = studio.head(Motion.still(1)).frames(0, 1)
    colour = enlarge(((raw.rgb + 1) / 2).permute(0, 2, 3, 1).contiguous(), 4, cubic=True)[0].numpy()
    assert psnr(colour[head], photo[head]) >= 28


@pytest.mark.parametrize(
    ("pose", "bound"),
    [
        ({}, 0.01),
        ({"yaw": 15}, 0.025),
        ({"yaw": -15}, 0.025),
        ({"yaw": 30}, 0.045),
        ({"yaw": -30}, 0.045),
        ({"pitch": 12}, 0.03),
        ({"pitch": -12}, 0.03),
        ({"roll": 10}, 0.015),
    ],
)
def test_landmarks_are_found_where_the_geometry_puts_them(studio, pose, bound):
    motion = studio.motion(pose)
    found = studio.detected(studio.pictures(motion)[0])
    g = head_transform(motion.euler, motion.translation, studio.triplane.pivot)[0]
    points = studio.triplane.avatar.points @ g[:3, :3].T + g[:3, 3]
    camera = split_camera(studio.triplane.camera)
    expected = project(points, camera.c2w, camera.intrinsics).numpy() * 512
    # The net's own answer on the photo differs from the refined landmarks that the avatar is built on: its
    # bias goes off.
    bias = (
        studio.detected(studio.pictures(Motion.still(1))[0])[:468, :2]
        - studio.portrait.landmarks.numpy()[:468, :2]
    )
    error = np.linalg.norm(found[:468, :2] - expected - bias, axis=1).mean() / studio.iod
    assert error <= bound


@pytest.mark.parametrize("yaw", [15.0, -15.0])
def test_a_commanded_turn_is_seen(studio, yaw):
    seen = studio.turn(studio.measured({"yaw": yaw})[0])[1] - studio.turn(studio.measured({})[0])[1]
    assert 0.9 <= seen / yaw <= 1.2


def test_the_jaw_opens_the_mouth_in_proportion(studio):
    steps = np.linspace(0, 1, 9)
    seen = [studio.opening(p) for p in studio.measured(*[{"jawOpen": float(s)} for s in steps])]
    assert np.corrcoef(steps, seen)[0, 1] >= 0.95
    assert seen[-1] - seen[0] >= 0.08


def test_lips_close_pucker_and_stretch(studio):
    rest, closed, puckered, stretched = studio.measured(
        {}, {"mouthClose": 1}, {"mouthPucker": 1}, {"mouthStretch": 1}
    )
    assert studio.opening(closed) <= 0.04
    assert studio.width(puckered) <= 0.9 * studio.width(rest)
    assert studio.width(stretched) >= 1.04 * studio.width(rest)


def test_lids_close_half_and_whole(studio):
    rest, half, closed = (studio.eyes(p) for p in studio.measured({}, {"eyeBlink": 0.5}, {"eyeBlink": 1}))
    assert 0.45 <= half / rest <= 0.75
    assert closed / rest <= 0.45


def test_the_head_is_solid_not_a_card(studio):
    left, right = studio.measured({"yaw": -10}, {"yaw": 10})

    def nose(p: np.ndarray) -> float:
        return (p[1, 0] - p[[33, 263], 0].mean()) / studio.iod

    assert nose(right) - nose(left) >= 0.08


def test_alpha_covers_the_head_and_nothing_else(studio):
    import cv2

    poses = [{}, {"yaw": 15}, {"yaw": -15}, {"yaw": 30}, {"yaw": -30}, {"pitch": 20}, {"pitch": -20}]
    head = studio.head(studio.motion(*poses))
    alphas = torch.cat([head.frames(i, i + 1).alpha[:, 0] for i in range(len(poses))]).numpy()
    mask = studio.portrait.person.numpy() > 0.5
    jaw_row = int(studio.portrait.landmarks[152, 1])
    frontal = cv2.resize(alphas[0], (512, 512), interpolation=cv2.INTER_LINEAR) > 0.5
    assert abs(frontal[:jaw_row].sum() / mask[:jaw_row].sum() - 1) <= 0.05
    for alpha, pose in zip(alphas, poses, strict=True):
        big = (cv2.resize(alpha, (512, 512), interpolation=cv2.INTER_LINEAR) > 0.5).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(big)
        islands = sorted(stats[1:count, cv2.CC_STAT_AREA])[:-1]
        assert all(area <= 20 for area in islands), pose
        holes, _, stats, _ = cv2.connectedComponentsWithStats(1 - big)
        assert sum(stats[1:holes, cv2.CC_STAT_AREA] > 20) == 1, pose  # the ground around the head


def test_speech_moves_the_mouth_with_its_loudness(studio, speech):
    audio, motion, _, points = speech
    opening = np.array([studio.opening(p) for p in points])
    samples = audio.waveform.mean(0).numpy()
    hop = audio.sample_rate // 25
    frames = np.pad(samples, (0, len(motion) * hop))[: len(motion) * hop].reshape(-1, hop)
    loud = (frames**2).mean(1) ** 0.3  # loudness grows as pressure to the power of 0.6 (Stevens)
    loud = loud / np.percentile(loud, 95)
    shown = 2 * np.arange(len(opening))

    def correlation(lag: int) -> float:
        return float(np.corrcoef(opening, loud[(shown + lag).clip(0, len(loud) - 1)])[0, 1])

    assert max(correlation(lag) for lag in range(-2, 3)) >= 0.65
    silent, voiced = opening[loud[shown] < 0.05], opening[loud[shown] > 0.6]
    assert silent.mean() <= 0.06
    assert silent.mean() <= 0.5 * voiced.mean()


def test_nothing_trembles(studio, speech):
    _, _, pictures, points = speech
    nose = np.array([p[1, :2] for p in points]) / studio.iod
    jerk = np.linalg.norm(nose[2:] - 2 * nose[1:-1] + nose[:-2], axis=1).mean()
    assert (
        jerk <= 0.016
    )  # of every second frame; the design's bound of 0.008 is for neighbours, 4 times nearer in time
    assert np.abs(np.diff(pictures[:, :40, :40].astype(int), axis=0)).max() == 0


def test_a_still_motion_gives_the_same_picture(studio):
    spec = {"jawOpen": 0.3, "yaw": 8.0}
    first, second = studio.pictures(studio.motion(spec, spec))
    assert np.array_equal(first, second)


def test_two_runs_give_the_same_bytes(studio):
    motion = studio.motion({"jawOpen": 0.5, "yaw": 5.0}, {"eyeBlink": 0.6, "pitch": -4.0})
    again = Studio(studio.portrait, image_to_plane(studio.portrait, Model.built_in()), studio.nets)
    assert np.array_equal(studio.pictures(motion), again.pictures(motion))


@pytest.mark.parametrize("resolution", [64, 96, 256])
def test_other_ray_counts_give_the_same_head(studio, resolution):
    motion = studio.motion({"jawOpen": 0.4, "yaw": 6.0})
    usual = studio.pictures(motion)[0] / 255.0
    clip = motion_adapter(studio.triplane, studio.portrait, motion)
    head = HeadRender(clip, Camera.front(), RenderSettings(resolution=resolution))
    other = htb_sr(head, studio.portrait).frames(0, 1)[0].numpy()
    assert psnr(other, usual) >= 28


def test_a_camera_that_moves_sees_a_still_head_from_all_sides(studio):
    """Without a Motion Adapter the clip is as long as the track, and the head turns the other way."""
    yaw = torch.tensor([math.radians(a) for a in (0.0, 15.0)])
    zero, one = torch.zeros(2), torch.ones(2)
    track = Camera(yaw, zero, zero, one, torch.zeros(2, 2), one)
    source = htb_sr(HeadRender(studio.triplane, track, RenderSettings()), studio.portrait)
    assert len(source) == 2
    frames = (source.frames(0, 2) * 255 + 0.5).to(torch.uint8).numpy()
    seen = studio.turn(studio.detected(frames[1]))[1] - studio.turn(studio.detected(frames[0]))[1]
    assert -18 <= seen <= -13


def test_camera_and_head_pose_compose(studio):
    """A head that turns with the camera is seen from the front; one that turns away, from both angles."""
    camera = replace(Camera.front(), yaw=torch.tensor([math.radians(12.0)]))
    clip = motion_adapter(studio.triplane, studio.portrait, studio.motion({"yaw": 12}, {"yaw": -12}))
    source = htb_sr(HeadRender(clip, camera, RenderSettings()), studio.portrait)
    pictures = (source.frames(0, 2) * 255 + 0.5).to(torch.uint8).numpy()
    towards, away = (studio.detected(picture) for picture in pictures)
    rest = studio.portrait.landmarks.numpy()
    assert np.linalg.norm(towards[:468, :2] - rest[:468, :2], axis=1).mean() < 0.015 * studio.iod
    assert abs(studio.turn(towards)[1]) < 1.0
    (alone,) = studio.measured({"yaw": -24})
    assert studio.turn(away)[1] == pytest.approx(studio.turn(alone)[1], abs=1.0)
    assert np.linalg.norm(away[:468, :2] - alone[:468, :2], axis=1).mean() < 0.015 * studio.iod


def test_past_the_photo_s_edge_the_torso_has_no_streaks(studio):
    """A camera from above sees below the photo's last row, which repeated would be lines downwards."""
    camera = replace(Camera.front(), pitch=torch.tensor([math.radians(15.0)]))
    frame = htb_sr(HeadRender(studio.triplane, camera, RenderSettings()), studio.portrait).frames(0, 1)[0]
    rows = frame[500:511, 60:400] - frame[501:512, 60:400]
    assert float(rows.abs().mean((1, 2)).min()) > 0.004


def test_background_and_replacement_head_are_used(studio):
    red = torch.tensor([1.0, 0.0, 0.0]).expand(1, 300, 400, 3)
    blue = torch.tensor([0.0, 0.0, 1.0]).expand(1, 512, 512, 3)
    head = studio.head(Motion.still(1))
    settings = HTBSRSettings(background=red, replacement_head=blue)
    frame = htb_sr(head, studio.portrait, settings).frames(0, 1)[0]
    assert torch.allclose(frame[5, 5], red[0, 0, 0], atol=1e-3)
    nose = studio.portrait.landmarks[1, :2].int()
    assert torch.allclose(frame[nose[1], nose[0]], blue[0, 0, 0], atol=1e-3)


def test_the_mask_is_what_was_blended(studio):
    """Seen before black and before white: where the person is, the ground makes no difference."""
    head = studio.head(studio.motion({}, {"yaw": 15, "jawOpen": 0.5}))

    def frames(form, grey):
        settings = HTBSRSettings(background=torch.full((1, 512, 512, 3), grey))
        return htb_sr(head, studio.portrait, settings).as_form(form).frames(0, 2)

    black, white = frames(Form.MASKED, 0.0), frames(Form.MASKED, 1.0)
    mask = black[..., 3]
    assert torch.equal(mask, white[..., 3]) and torch.equal(black[..., :3], frames(Form.PICTURE, 0.0))
    seen = 1 - (white - black)[..., :3]
    inside = (white[..., :3] < 1) & (black[..., :3] > 0)  # elsewhere colours were clamped
    assert ((seen - mask[..., None]).abs() * inside).max() < 1e-4
    assert 0.3 < mask.mean() < 0.7 and mask[:, 300:, 150:250].mean() > 0.99 and mask[:, :20].max() == 0
    assert ((mask > 0.1) & (mask < 0.9)).sum(dim=(1, 2)).min() > 500  # soft edges


def test_cut_out_colours_are_the_person_s_alone(studio):
    """Before any ground they give the picture that was made before it, whatever lies behind now."""
    green = torch.tensor([0.1, 0.8, 0.2])
    head = studio.head(studio.motion({"yaw": -12}))
    settings = HTBSRSettings(background=green.expand(1, 512, 512, 3))
    cut = htb_sr(head, studio.portrait).as_form(Form.CUT_OUT).frames(0, 1)
    assert cut.shape == (1, 512, 512, 4)
    wanted = htb_sr(head, studio.portrait, settings).frames(0, 1)
    made = cut[..., :3] * cut[..., 3:] + green * (1 - cut[..., 3:])
    assert (made - wanted).abs().mean() < 1e-4 and (made - wanted).abs().max() < 0.03


def test_another_portrait_is_refused(studio):
    from dataclasses import replace

    other = replace(studio.portrait, image=1 - studio.portrait.image)
    with pytest.raises(BackendError, match="another PORTRAIT"):
        htb_sr(studio.head(Motion.still(1)), other)
    with pytest.raises(BackendError, match="another PORTRAIT"):
        motion_adapter(studio.triplane, other, Motion.still(1))
