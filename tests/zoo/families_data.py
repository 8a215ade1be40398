"""Inputs that look like real ones: smooth pictures, cepstra and log-mel frames, not white noise."""

import numpy as np

from rps_noise import value_noise


def pictures(rng, n, c, h, w):
    """Normalised pictures [n, c, h, w]: smooth colour fields of several scales with a few hard-edged
    shapes."""
    out = np.zeros((n, c, h, w))
    y, x = np.mgrid[0:h, 0:w] / max(h, w)
    for image in out:
        cells = rng.integers(1, 7)
        shared = value_noise(rng, h, w, cells)
        for channel in image:
            channel[:] = 0.7 * shared + 0.3 * value_noise(rng, h, w, cells)
        for _ in range(rng.integers(1, 5)):
            cy, cx, radius = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.05, 0.35)
            inside = (y - cy)**2 + (x - cx)**2 < radius**2 if rng.random() < 0.5 else np.maximum(
                abs(y - cy), rng.uniform(0.4, 2.5) * abs(x - cx)) < radius
            image[:, inside] = 0.3 * image[:, inside] + 0.7 * rng.uniform(0, 1, (c, 1))
        image[:] = (image - 0.5) * rng.uniform(0.8, 2.0) + rng.uniform(0.3, 0.6)
    out = (np.clip(out, 0, 1) - 0.45) / 0.225
    return np.ascontiguousarray(out, np.float32)


def cepstra(rng, n, c, h, w):
    """Time by coefficient [n, c, h, w]: smooth in time, the first coefficients the largest."""
    scale = 6.0 / (1 + np.arange(w))
    out = np.stack([[(value_noise(rng, h, w, 6, 5) - 0.5) * 4 * scale for _ in range(c)] for _ in range(n)])
    out[..., 0] -= rng.uniform(2, 8, (n, c, 1))
    return out.astype(np.float32)


def log_mel(rng, n, features):
    """Five frames of 128 bands in decibels, flat [n, features]: about -40 +- 15."""
    frames = features // 128
    bands = np.linspace(0, 1, 128)
    rows = []
    for _ in range(n):
        field = (value_noise(rng, frames, 128, 2, 10) - 0.5) * 60
        rows.append((field - 25 - 30 * bands * rng.uniform(0.6, 1.4) + rng.normal() * 5).ravel())
    return np.array(rows, np.float32)


def flat_pictures(rng, n, features):
    """Single-channel pictures, flattened [n, features]; `features` is a square number."""
    side = int(round(features**0.5))
    return pictures(rng, n, 1, side, side).reshape(n, features)
