"""Turns capsules into maps of depth, normal and owner, seen by a camera that looks along -z.

A capsule is drawn as spheres close enough together that the steps do not show, so a pixel's depth and normal
are those of its sphere. Neighbouring flesh is joined by a polynomial smooth maximum of the depths; its
gradient is the same blend of the two gradients, so the normals are blended with the same weight.
"""

from dataclasses import dataclass

import numpy as np

from rps_hand import BAND, FOREARM, PALM, SLEEVE

FAR = -1e3


@dataclass
class Maps:
    """Per pixel, [side, side]: `depth` in centimetres towards the camera (FAR outside), `normal` [side, side,
    3] with y down the image, `owner` the index of the capsule in the list (-1 outside)."""

    depth: np.ndarray
    normal: np.ndarray
    owner: np.ndarray


def _draw_capsules(members, side, pixels_per_cm, focal_cm, origin):
    """The hard union of (index, capsule) pairs, already in the camera frame (y up)."""
    depth = np.full((side, side), FAR)
    winner = np.full((side, side), -1, np.int32)
    spheres = []
    for index, c in members:
        spacing = max(1.0, c.rb * pixels_per_cm / 9)
        steps = int(np.ceil(np.linalg.norm(c.b - c.a) * pixels_per_cm / spacing)) + 1
        for t in np.linspace(0, 1, steps):
            centre = c.a + (c.b - c.a) * t
            radius = (c.ra + (c.rb - c.ra) * t) * (1 - c.waist * np.sin(np.pi * t))
            grow = focal_cm / max(focal_cm - centre[2], 0.2 * focal_cm)
            scale = grow * pixels_per_cm
            cx, cy, r = origin[0] + centre[0] * scale, origin[1] - centre[1] * scale, radius * scale
            x0, x1 = max(0, int(np.ceil(cx - r))), min(side, int(np.floor(cx + r)) + 1)
            y0, y1 = max(0, int(np.ceil(cy - r))), min(side, int(np.floor(cy + r)) + 1)
            if x0 >= x1 or y0 >= y1:
                continue
            dx, dy = np.arange(x0, x1) - cx, np.arange(y0, y1) - cy
            rise = r * r - (dx * dx)[None, :] - (dy * dy)[:, None]
            z = np.where(rise > 0, centre[2] + np.sqrt(np.maximum(rise, 0)) / scale, FAR)
            box = depth[y0:y1, x0:x1]
            closer = z > box
            box[closer] = z[closer]
            winner[y0:y1, x0:x1][closer] = len(spheres)
            spheres.append((cx, cy, r, index))
    normal = np.zeros((side, side, 3))
    owner = np.full((side, side), -1, np.int32)
    inside = winner >= 0
    if spheres and inside.any():
        table = np.array(spheres)[winner[inside]]
        ys, xs = np.nonzero(inside)
        nx, ny = (xs - table[:, 0]) / table[:, 2], (ys - table[:, 1]) / table[:, 2]
        normal[inside] = np.stack([nx, ny, np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0))], -1)
        owner[inside] = table[:, 3].astype(np.int32)
    return Maps(depth, normal, owner)


def _merge(base, layer, smooth_cm):
    """Smooth maximum of two maps; `smooth_cm` is a number or a map of how far the blend reaches, > 0."""
    share = np.clip(0.5 + 0.5 * (layer.depth - base.depth) / smooth_cm, 0, 1)
    both = (base.owner >= 0) & (layer.owner >= 0)
    bulge = np.where(both, smooth_cm * share * (1 - share), 0)
    depth = base.depth * (1 - share) + layer.depth * share + bulge
    normal = base.normal * (1 - share[..., None]) + layer.normal * share[..., None]
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    return Maps(depth, normal, np.where(share > 0.5, layer.owner, base.owner))


def rasterise(capsules, side, pixels_per_cm, focal_cm, origin):
    """Maps of `capsules` (camera frame, y up) on a square canvas; `origin` is the pixel of the camera
    axis."""

    def draw(members):
        return _draw_capsules(members, side, pixels_per_cm, focal_cm, origin)

    by_part = {}
    for index, c in enumerate(capsules):
        by_part.setdefault(c.part, []).append((index, c))

    result = draw(by_part.pop(FOREARM))
    for member in by_part.pop(PALM):
        result = _merge(result, draw([member]), 0.8)
    rigid = [by_part.pop(part) for part in (BAND, SLEEVE) if part in by_part]
    segment = np.array([c.segment for c in capsules] + [9])
    fleshy = np.array([c.part in (PALM, FOREARM) for c in capsules] + [False])
    for members in by_part.values():
        layer = draw(members)
        rooted = (segment[layer.owner] == 0) & fleshy[result.owner]
        result = _merge(result, layer, np.where(rooted, 0.6, 0.05))
    for members in rigid:
        result = _merge(result, draw(members), 0.05)
    return result
