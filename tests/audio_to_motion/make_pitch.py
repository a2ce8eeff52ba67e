"""Writes pitch.npz: what Praat hears of the demo speech, with the settings that the speech network needs.

python -m tests.audio_to_motion.make_pitch        (needs the package praat-parselmouth)
"""

from __future__ import annotations

import numpy as np
import parselmouth

from real3d_core.audio_to_motion.pitch import CEILING, FLOOR, RATE, STEP, VOICING
from tests.audio_to_motion.demo_speech import RECORDED, demo_wave


def main() -> None:
    wave = demo_wave().astype(np.float64)
    whole = np.pad(wave, (0, -len(wave) % STEP))
    pitch = parselmouth.Sound(whole, RATE).to_pitch_ac(
        time_step=STEP / RATE, voicing_threshold=VOICING, pitch_floor=FLOOR, pitch_ceiling=CEILING
    )
    np.savez_compressed(RECORDED, hertz=pitch.selected_array["frequency"].astype(np.float32))


if __name__ == "__main__":
    main()
