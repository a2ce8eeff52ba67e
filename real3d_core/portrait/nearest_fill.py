"""The scenery without the person, by nearest pixels (docs/model.md, "Portrait preparation for the networks").

The networks were trained with this fill; the built-in backend has a finer one (background.py).
"""

from __future__ import annotations

import numpy as np

from .nets import opencv

MARGIN = 10.0  # pixels around the person that do not count as scenery: they hold its rim
PLAIN = 51  # grey level where no scenery is left


def fill_with_nearest(image: np.ndarray, ground: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3]: a picture with every pixel on or near the person replaced by the nearest scenery.

    image uint8 [H, W, 3]; ground bool [H, W], True where the scenery is seen. Distances are exact; of several
    nearest pixels any one may be taken. If nothing is farther than MARGIN from the person, all scenery
    counts; if there is none, the result is plain dark grey.
    """
    from scipy.ndimage import distance_transform_edt

    if ground.all():
        return image.copy()
    if not ground.any():
        return np.full_like(image, PLAIN)
    cv2 = opencv()
    kept = cv2.distanceTransform(ground.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > MARGIN
    if not kept.any():
        kept = ground
    rows, columns = distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return image[rows, columns]
