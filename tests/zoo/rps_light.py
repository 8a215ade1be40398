"""Light on a height field: shadows, ambient occlusion, and the colours that leave the surface."""

import numpy as np

from rps_noise import blur, smoothstep


def _shifted(depth, dx, dy):
    """depth[y + dy, x + dx] with the edge repeated; the shifts are rounded to whole pixels."""
    dx, dy = int(round(dx)), int(round(dy))
    side = depth.shape[0]
    rows = np.clip(np.arange(side) + dy, 0, side - 1)
    cols = np.clip(np.arange(side) + dx, 0, side - 1)
    return depth[rows[:, None], cols[None, :]]


def cast_shadow(depth, light, pixels_per_cm):
    """How much of the key light reaches each point, [0, 1]. `light` is a unit vector, y down the image, z to
    us."""
    flat = np.hypot(light[0], light[1])
    if flat < 1e-3:
        return np.ones_like(depth)
    ux, uy, slope = light[0] / flat, light[1] / flat, light[2] / flat
    blocked = np.zeros_like(depth)
    for cm in 0.25 * 1.22**np.arange(19):
        other = _shifted(depth, ux * cm * pixels_per_cm, uy * cm * pixels_per_cm)
        over = other - depth - slope * cm
        blocked = np.maximum(blocked, smoothstep(0.05, 0.3 + 0.12 * cm, over))
    return 1 - blocked


def ambient_occlusion(depth, pixels_per_cm):
    """The open share of the sky over each point, [0, 1], from 10 directions and 5 distances."""
    closed = np.zeros_like(depth)
    for angle in np.arange(10) * (2 * np.pi / 10):
        horizon = np.zeros_like(depth)
        for cm in (0.2, 0.45, 0.9, 1.7, 3.0):
            reach = cm * pixels_per_cm
            rise = np.maximum(_shifted(depth, np.cos(angle) * reach, np.sin(angle) * reach) - depth, 0)
            horizon = np.maximum(horizon, rise / np.sqrt(rise * rise + cm * cm) / (1 + 0.35 * cm))
        closed += horizon
    return 1 - closed / 10


def shade(albedo, shine, normal, hand, shadow, occlusion, light, key, ambient):
    """Linear light [h, w, 3] that leaves the surface. `albedo` is linear; `key` and `ambient` are colours;
    `hand` masks the pixels with skin-like wrapped diffuse light, the others are a plane that faces the
    camera."""
    lambert = np.sum(normal * light, -1)
    wrap = np.where(hand[..., None], np.array((0.32, 0.18, 0.12)), 0.0)
    diffuse = np.clip((lambert[..., None] + wrap) / (1 + wrap), 0, 1)
    half = light + np.array((0, 0, 1.0))
    half /= np.linalg.norm(half)
    gloss = shine * np.clip(np.sum(normal * half, -1), 0, 1)**22
    sky = 0.72 - 0.28 * normal[..., 1]
    out = albedo * (diffuse * key * shadow[..., None] + ambient * (sky * occlusion)[..., None])
    return out + (gloss * shadow)[..., None] * key


def random_light(rng):
    """(unit vector towards the light, key colour, ambient colour)."""
    angle = rng.uniform(0, 2 * np.pi)
    height = rng.uniform(0.45, 1.6)
    light = np.array((np.cos(angle), np.sin(angle) - 0.35, height))
    light /= np.linalg.norm(light)
    warm = rng.normal() * 0.08
    key = rng.uniform(0.65, 1.15) * np.array((1 + warm, 1.0, 1 - 1.3 * warm))
    cool = rng.normal() * 0.08
    ambient = rng.uniform(0.22, 0.6) * np.array((1 - cool, 1.0, 1 + 1.2 * cool))
    return light, key, ambient


def soften(shadow, pixels_per_cm, rng):
    return blur(shadow, rng.uniform(0.05, 0.35) * pixels_per_cm)
