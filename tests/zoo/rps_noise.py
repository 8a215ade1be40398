"""Small image tools in binary64, so that rounding differences between CPUs stay far below one grey level."""

import numpy as np
from PIL import Image


def box_blur(image, radius):
    """Mean over (2 * radius + 1) squared pixels with the edge repeated; `image` is [h, w] or [h, w, c]."""
    for axis in (0, 1):
        pad = [(0, 0)] * image.ndim
        pad[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(image, pad, mode="edge"), axis=axis)
        n = image.shape[axis]
        high = np.take(total, np.arange(2 * radius + 1, 2 * radius + 1 + n), axis=axis)
        low = np.take(total, np.arange(0, n), axis=axis)
        image = (high - low) / (2 * radius + 1)
    return image


def blur(image, sigma):
    """Nearly Gaussian blur: three box blurs of the same variance. `sigma` under 0.5 pixel leaves the image
    alone."""
    if sigma < 0.5:
        return image
    radius = max(1, int(round((np.sqrt(4 * sigma * sigma + 1) - 1) / 2)))
    for _ in range(3):
        image = box_blur(image, radius)
    return image


def value_noise(rng, height, width, cells_y, cells_x=None, octaves=4, gain=0.5):
    """Smooth noise in [0, 1], [height, width]; the first octave has about `cells_y` x `cells_x` bumps."""
    cells_x = cells_x or cells_y
    total = np.zeros((height, width))
    weight, sum_weight = 1.0, 0.0
    for octave in range(octaves):
        rows, cols = int(cells_y * 2**octave) + 2, int(cells_x * 2**octave) + 2
        if rows > height and cols > width:
            break
        grid = Image.fromarray(rng.random((rows, cols)).astype(np.float32), mode="F")
        total += weight * np.asarray(grid.resize((width, height), Image.BICUBIC), np.float64)
        sum_weight += weight
        weight *= gain
    return np.clip(total / sum_weight, 0, 1)


def smoothstep(low, high, x):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
