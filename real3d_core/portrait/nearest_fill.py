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
    nearest pixels the networks saw the one that scikit-learn's search tree takes, and so do they here; where
    scikit-learn is missing (librosa brings it) any one of them is taken. If nothing is farther than MARGIN
    from the person, all scenery counts; if there is none, the result is plain dark grey.
    """
    if ground.all():
        return image.copy()
    if not ground.any():
        return np.full_like(image, PLAIN)
    cv2 = opencv()
    kept = cv2.distanceTransform(ground.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > MARGIN
    if not kept.any():
        kept = ground
    try:
        return _by_search_tree(image, kept)
    except ImportError:
        return _by_distance_transform(image, kept)


def _by_search_tree(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    sources = np.argwhere(kept)
    tree = NearestNeighbors(n_neighbors=1, algorithm="kd_tree").fit(sources)
    holes = np.argwhere(~kept)
    filled = image.copy()
    if len(holes):
        nearest = sources[tree.kneighbors(holes, return_distance=False)[:, 0]]
        filled[tuple(holes.T)] = image[tuple(nearest.T)]
    return filled


def _by_distance_transform(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    from scipy.ndimage import distance_transform_edt

    rows, columns = distance_transform_edt(~kept, return_distances=False, return_indices=True)
    return image[rows, columns]
