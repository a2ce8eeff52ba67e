"""Picture operations of the analytic backend on [n, h, w, C] tensors, one function each for every device.

Convention
    Pictures are channels-last float32. Sampling positions are in pixel indices: (0, 0) is the centre of
    the first pixel.
    Edges are repeated.

On the CPU each runs OpenCV on the tensor's own memory, which is several times faster than torch for one
frame at a time (tests/test_ops.py holds the two paths equal); elsewhere it is plain torch. OpenCV's remap
rounds positions to 1/32 pixel.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def _on_cpu(*tensors: Tensor) -> bool:
    return all(t.device.type == "cpu" for t in tensors)


def _each(images: Tensor, apply) -> Tensor:
    """Runs an OpenCV function on every [h, w, C] picture of a batch."""
    channels = images.shape[-1]
    out = [apply(image.contiguous().numpy()) for image in images]
    return torch.from_numpy(np.stack([o.reshape(*o.shape[:2], channels) for o in out]))


def remap(image: Tensor, x: Tensor, y: Tensor, cubic: bool = False) -> Tensor:
    """Samples image [1 or n, H, W, C] at x, y [n, h, w] (pixel indices) -> [n, h, w, C]; bilinear or bicubic
    (a = -0.75).
    """
    if not _on_cpu(image, x, y):
        return remap_torch(image, x, y, cubic)
    import cv2

    mode = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    out = torch.empty(*x.shape, image.shape[-1])
    for i in range(x.shape[0]):
        source = image[i if image.shape[0] > 1 else 0].contiguous().numpy()
        drawn = cv2.remap(
            source,
            x[i].contiguous().numpy(),
            y[i].contiguous().numpy(),
            mode,
            borderMode=cv2.BORDER_REPLICATE,
        )
        out[i] = torch.from_numpy(drawn.reshape(*drawn.shape[:2], -1))
    return out


def mirrored(index: Tensor, length: int) -> Tensor:
    """Pixel indices folded back at the ends of a side: what lies past an edge is the mirror image."""
    last = length - 1
    return last - (torch.remainder(index, 2 * last) - last).abs()


def remap_torch(image: Tensor, x: Tensor, y: Tensor, cubic: bool = False) -> Tensor:
    """`remap` in plain torch."""
    h, w = image.shape[1:3]
    grid = torch.stack([(2 * x + 1) / w - 1, (2 * y + 1) / h - 1], -1)
    source = image.permute(0, 3, 1, 2).expand(x.shape[0], -1, -1, -1)
    mode = "bicubic" if cubic else "bilinear"
    out = F.grid_sample(source, grid, mode=mode, padding_mode="border", align_corners=False)
    return out.permute(0, 2, 3, 1)


def enlarge(image: Tensor, factor: int, cubic: bool = False) -> Tensor:
    """[n, h, w, C] -> [n, h * factor, w * factor, C], pixel edges aligned."""
    if not _on_cpu(image):
        return enlarge_torch(image, factor, cubic)
    import cv2

    mode = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
    return _each(image, lambda a: cv2.resize(a, None, fx=factor, fy=factor, interpolation=mode))


def enlarge_torch(image: Tensor, factor: int, cubic: bool = False) -> Tensor:
    """`enlarge` in plain torch."""
    out = F.interpolate(
        image.permute(0, 3, 1, 2),
        scale_factor=factor,
        mode="bicubic" if cubic else "bilinear",
        align_corners=False,
    )
    return out.permute(0, 2, 3, 1)


def _gauss_radius(sigma: float) -> int:
    return max(1, round(3.2 * sigma))


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of [n, h, w, C], edges repeated."""
    if not _on_cpu(image):
        return blur_torch(image, sigma)
    import cv2

    size = 2 * _gauss_radius(sigma) + 1
    return _each(image, lambda a: cv2.GaussianBlur(a, (size, size), sigma, borderType=cv2.BORDER_REPLICATE))


def blur_torch(image: Tensor, sigma: float) -> Tensor:
    """`blur` in plain torch."""
    radius = _gauss_radius(sigma)
    taps = torch.arange(-radius, radius + 1, device=image.device, dtype=image.dtype)
    kernel = torch.exp(-0.5 * (taps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    n, h, w, c = image.shape
    out = image.permute(0, 3, 1, 2).reshape(n * c, 1, h, w)
    out = F.conv2d(F.pad(out, (radius, radius, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    out = F.conv2d(F.pad(out, (0, 0, radius, radius), mode="replicate"), kernel.view(1, 1, -1, 1))
    return out.reshape(n, c, h, w).permute(0, 2, 3, 1)


def dilate(image: Tensor, radius: int) -> Tensor:
    """Maximum over a square of side 2 * radius + 1, [n, h, w, C]."""
    if not _on_cpu(image):
        return dilate_torch(image, radius)
    import cv2

    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return _each(image, lambda a: cv2.dilate(a, kernel))


def dilate_torch(image: Tensor, radius: int) -> Tensor:
    """`dilate` in plain torch."""
    return F.max_pool2d(image.permute(0, 3, 1, 2), 2 * radius + 1, 1, radius).permute(0, 2, 3, 1)


def erode(image: Tensor, radius: int) -> Tensor:
    """Minimum over a square of side 2 * radius + 1, [n, h, w, C]; beyond the border nothing counts."""
    return -dilate(-image, radius)


def box_sum(image: Tensor) -> Tensor:
    """Sum over 3 x 3 neighbours, 0 beyond the border, [n, h, w, C]."""
    if not _on_cpu(image):
        return box_sum_torch(image)
    import cv2

    return _each(
        image, lambda a: cv2.boxFilter(a, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    )


def box_sum_torch(image: Tensor) -> Tensor:
    """`box_sum` in plain torch."""
    out = F.avg_pool2d(image.permute(0, 3, 1, 2), 3, 1, 1, count_include_pad=True) * 9
    return out.permute(0, 2, 3, 1)


def smoothstep(low: float, high: float, x: Tensor) -> Tensor:
    """0 at low, 1 at high, cubic between (low > high runs the other way)."""
    s = ((x - low) / (high - low)).clamp(0, 1)
    return s * s * (3 - 2 * s)
