"""Loads the data set as the runtime sees it: JPEG files decoded, resized and cropped with Pillow."""

import os

import numpy as np
from PIL import Image

from rps_hand import GESTURES
from rps_render import image_name

INPUT = 128
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def short_side(size):
    """The side that a picture is resized to before a square of `size` is cropped from its centre."""
    return round(256 / 224 * size)


RESIZE = short_side(INPUT)


def load_resized(path, size=INPUT):
    """uint8 [short_side(size), short_side(size), 3] of a square picture, by Pillow's antialiased bilinear filter."""
    image = Image.open(path).convert("RGB")
    if image.width != image.height:
        raise ValueError(f"{path}: expected a square picture, got {image.width}x{image.height}")
    return np.asarray(image.resize((short_side(size),) * 2, Image.BILINEAR))


def centre_crop(images, size=INPUT):
    """[..., short_side(size), short_side(size), 3] to [..., size, size, 3]."""
    start = (short_side(size) - size) // 2
    return images[..., start:start + size, start:start + size, :]


def normalise(images):
    """uint8 [n, h, w, 3] to the network's float32 input [n, 3, h, w]."""
    real = (images.astype(np.float32) / 255 - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(real.transpose(0, 3, 1, 2))


def split_files(per_class):
    """[(file name, class index)] in the order of the classes."""
    return [(image_name(gesture, i), label) for label, gesture in enumerate(GESTURES)
            for i in range(per_class)]


def load_split(folder, per_class, size=INPUT):
    """(uint8 [n, short_side(size), short_side(size), 3], int64 [n]) of the files that split_files names under
    `folder`."""
    files = split_files(per_class)
    images = np.stack([load_resized(os.path.join(folder, name), size) for name, _ in files])
    return images, np.array([label for _, label in files], np.int64)
