#!/usr/bin/python3
"""Renders the rock-paper-scissors photographs: rps_render.py --out DIR writes
DIR/{train,test}/<class>_<index>.jpg.

Every image has a seed of its own (seed, split, class, index), so the bytes do not depend on how many
processes drew them, and the test split shares no seed with the training split.
"""

import argparse
import io
import multiprocessing
import os
import sys
import time

import numpy as np
from PIL import Image

import rps_light
import rps_scene
import rps_skin
from rps_hand import FOREARM, GESTURES, SLEEVE, BAND, hand_capsules, rotation, sample_pose
from rps_noise import blur
from rps_raster import rasterise

SIDE = 160
SUPERSAMPLE = 2
JPEG_QUALITY = 92
SEED = 20240
SPLITS = {"train": 840, "test": 124}


def _camera(gesture, rng):
    """Rotation of the hand frame into the camera frame (y up, z to the camera)."""
    entry = rng.choice([0.0, 90.0, -90.0, 180.0], p=(0.46, 0.22, 0.22, 0.1)) + rng.normal() * 24
    face = rng.choice([0.0, 180.0])
    roll = rng.uniform(-180, 180) if gesture == "rock" else face + rng.normal() * 18
    tilt = np.clip(rng.normal() * 15, -34, 34)
    return rotation("z", entry) @ rotation("x", tilt) @ rotation("y", roll)


def _frame(capsules, gesture, side, rng):
    """(pixels per centimetre, origin) that put the hand, without its arm, near the middle of the canvas."""
    ends = np.array([p for c in capsules if c.part not in (FOREARM, SLEEVE, BAND) for p in (c.a, c.b)])[:, :2]
    low, high = ends.min(0) - 1, ends.max(0) + 1
    extent = max(high - low)
    fill = rng.uniform(0.48, 0.7) if gesture == "rock" else rng.uniform(0.54, 0.76)
    pixels_per_cm = fill * side / extent
    middle = (low + high) / 2
    jitter = rng.uniform(-0.07, 0.07, 2) * side
    return pixels_per_cm, side / 2 + middle * (-1, 1) * pixels_per_cm + jitter


def _photograph(linear, rng):
    """Exposure, tone curve, vignette, defocus and sensor noise: linear canvas to uint8 [SIDE, SIDE, 3]."""
    side = linear.shape[0]
    y, x = np.mgrid[0:side, 0:side] / side - 0.5
    grey = linear.mean(-1)
    exposure = min(0.62 / (np.percentile(grey, 80) + 0.12), 1.0 / np.percentile(grey, 97))
    exposure *= np.exp(0.22 * rng.normal())
    linear = linear * exposure * (1 - rng.uniform(0, 0.7) * (x * x + y * y))[..., None]
    linear = linear * (1 + 0.05 * rng.normal(size=3))
    linear = linear / (1 + np.maximum(linear - 0.8, 0))
    image = np.clip(linear, 0, 1)**(1 / 2.2)
    image = np.clip((image - 0.5) * rng.uniform(0.8, 1.12) + 0.5, 0, 1)
    image = blur(image, rng.choice([0.0, 0.0, rng.uniform(0.5, 2.2)]))
    if rng.random() < 0.12:  # a moving hand
        length, angle = rng.integers(3, 9), rng.uniform(0, np.pi)
        shifts = [(int(round(t * np.sin(angle))), int(round(t * np.cos(angle)))) for t in np.arange(length)]
        image = sum(np.roll(image, s, (0, 1)) for s in shifts) / length
    small = image.reshape(SIDE, SUPERSAMPLE, SIDE, SUPERSAMPLE, 3).mean((1, 3))
    sigma = rng.choice([0.006, 0.012, 0.02, 0.035], p=(0.37, 0.37, 0.2, 0.06))
    small = small + sigma * (rng.normal(size=(SIDE, SIDE, 1)) + 0.6 * rng.normal(size=small.shape))
    return np.clip(np.round(small * 255), 0, 255).astype(np.uint8)


def render(gesture, rng):
    """One picture of `gesture`, uint8 [SIDE, SIDE, 3], from the random generator alone."""
    side = SIDE * SUPERSAMPLE
    pose = sample_pose(gesture, rng)
    camera = _camera(gesture, rng)
    capsules = hand_capsules(pose)
    for c in capsules:
        c.a, c.b, c.dorsal = camera @ c.a, camera @ c.b, camera @ c.dorsal
    focal_cm = rng.uniform(45, 130)
    pixels_per_cm, origin = _frame(capsules, gesture, side, rng)
    maps = rasterise(capsules, side, pixels_per_cm, focal_cm, origin)
    hand = maps.owner >= 0

    ys, xs = np.mgrid[0:side, 0:side]
    grow = focal_cm / (focal_cm - np.where(hand, maps.depth, 0))
    points = np.stack([(xs - origin[0]) / (pixels_per_cm * grow), (origin[1] - ys) / (pixels_per_cm * grow),
                       np.where(hand, maps.depth, 0)], -1)
    hand_points = points @ camera * ((-1, 1, 1) if pose.left else (1, 1, 1))
    skin, shine = rps_skin.albedo(maps, points, hand_points, capsules, rng)

    scene, table = rps_scene.background(side, rng)
    lowest = maps.depth[hand].min() if hand.any() else 0.0
    depth = np.where(hand, maps.depth, lowest - (rng.uniform(-1.0, 3.0) if table else 60.0))
    light, key, ambient = rps_light.random_light(rng)
    shadow = rps_light.soften(rps_light.cast_shadow(depth, light, pixels_per_cm), pixels_per_cm, rng)
    occlusion = rps_light.ambient_occlusion(depth, pixels_per_cm)
    colour = np.where(hand[..., None], skin, scene)**2.2
    normal = np.where(hand[..., None], maps.normal, np.array((0.0, 0.0, 1.0)))
    bumps = rng.normal(size=(side, side, 2)) * rng.uniform(0.02, 0.07)
    normal[..., :2] += np.where(hand[..., None], blur(bumps, 0.8) * 2, 0)
    shine = np.where(hand, shine, 0)
    linear = rps_light.shade(colour, shine, normal, hand, shadow, occlusion, light, key, ambient)
    return _photograph(linear, rng)


def image_name(gesture, index):
    return f"{gesture}_{index:03d}.jpg"


def render_jpeg(split, gesture, index, seed=SEED):
    """The bytes of one JPEG file of the data set; the same arguments give the same bytes."""
    words = (seed, sorted(SPLITS).index(split), GESTURES.index(gesture), index)
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words)))
    image = Image.fromarray(render(gesture, rng))
    if rng.random() < 0.35:  # many photographs have been through a worse encoder before
        first = io.BytesIO()
        image.save(first, "JPEG", quality=int(rng.integers(35, 80)))
        image = Image.open(first)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=JPEG_QUALITY)
    return out.getvalue()


def _write_one(job):
    folder, split, gesture, index, seed = job
    path = os.path.join(folder, split, image_name(gesture, index))
    with open(path + ".tmp", "wb") as f:
        f.write(render_jpeg(split, gesture, index, seed))
    os.replace(path + ".tmp", path)


def render_all(folder, seed=SEED, processes=None, log=print):
    """Writes both splits under `folder`, one process per core unless told otherwise."""
    jobs = [(folder, split, gesture, index, seed) for split in SPLITS for gesture in GESTURES
            for index in range(SPLITS[split])]
    for split in SPLITS:
        os.makedirs(os.path.join(folder, split), exist_ok=True)
    start = time.time()
    with multiprocessing.Pool(processes) as pool:
        for done, _ in enumerate(pool.imap_unordered(_write_one, jobs, chunksize=8), 1):
            if done % 200 == 0 or done == len(jobs):
                spent = time.time() - start
                left = spent / done * (len(jobs) - done)
                log(f"rendered {done}/{len(jobs)}, {spent:.0f} s spent, {left:.0f} s left")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True, help="folder to write train/ and test/ into")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--processes", type=int, default=None, help="default: one per core")
    args = parser.parse_args(argv)
    render_all(args.out, args.seed, args.processes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
