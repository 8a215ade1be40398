"""Writes the cases of image_test: images, and what Pillow makes of them.

Usage: make_cases.py DIRECTORY. Needs Pillow and NumPy (Debian: python3-pil, python3-numpy). The results are the same
in every run. cases.txt lists one case per line, the fields separated by blanks; cases.h says what they mean.
"""
import io
import os
import random
import struct
import sys
import warnings
import zlib

import numpy as np
from PIL import Image

warnings.simplefilter("ignore")  # Pillow's remark on palettes with transparency
rng = np.random.default_rng(20240501)
cases = []
directory = sys.argv[1]
os.makedirs(directory, exist_ok=True)


def save_bytes(name, data):
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)
    return name


def save_array(name, array):
    np.save(os.path.join(directory, name), np.ascontiguousarray(array))
    return name


def pillow_rgb(data):
    """The pixels that Pillow decodes, or None where it refuses."""
    try:
        return np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    except (OSError, SyntaxError, ValueError):
        return None


def add_decode(name, data, pixels):
    save_bytes(name, data)
    expected = "error" if pixels is None else save_array(name + ".npy", pixels)
    cases.append(f"decode {name} {expected}")


def picture(height, width, channels):
    """Smooth shapes with some noise: something that JPEG treats as a picture."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for c in range(channels):
        wave = np.sin(x / (3.0 + 2 * c) + c) + np.cos(y / (4.0 + c) - c)
        ramp = (x * (c + 1) + y * 2) % 97 / 97.0
        planes.append(128 + 45 * wave + 60 * (ramp - 0.5) + rng.normal(0, 6, (height, width)))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


# ---- PNG: every colour type, bit depth and interlacing, by an encoder of our own (Pillow writes only some) -----------

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack_row(samples, depth):
    if depth == 16:
        return samples.astype(">u2").tobytes()
    if depth == 8:
        return samples.astype(np.uint8).tobytes()
    bits = ((samples[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(bits.ravel()).tobytes()


def filter_row(kind, row, above, step):
    """One row by filter 0 ... 4 (none, sub, up, average, Paeth)."""
    out = bytearray([kind])
    for i, value in enumerate(row):
        a = row[i - step] if i >= step else 0
        b = above[i]
        c = above[i - step] if i >= step else 0
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        out.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) & 255)
    return bytes(out)


def png(samples, depth, colour_type, interlaced, chunks=b""):
    height, width, channels = samples.shape
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = samples[y0::dy, x0::dx]
        if part.size == 0:
            continue
        above = None
        for y in range(part.shape[0]):
            row = pack_row(part[y].ravel(), depth)
            raw += filter_row(y % 5, row, above or bytes(len(row)), max(1, depth * channels // 8))
            above = row
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    data = zlib.compress(raw)
    half = len(data) // 2  # in two IDAT chunks
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunks + chunk(b"IDAT", data[:half]) +
            chunk(b"IDAT", data[half:]) + chunk(b"IEND", b""))


def add_pngs():
    sizes = [(1, 1), (1, 9), (7, 1), (2, 3), (5, 8), (13, 17), (31, 33)]
    channels_of = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    depths_of = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    for colour_type, channels in channels_of.items():
        for depth in depths_of[colour_type]:
            for interlaced in (False, True):
                for height, width in sizes:
                    samples = rng.integers(0, 1 << depth, (height, width, channels)).astype(np.int64)
                    variants = {"": b""}
                    if colour_type == 0:
                        variants["_trns"] = chunk(b"tRNS", struct.pack(">H", int(samples[0, 0, 0])))
                    if colour_type == 2:
                        variants["_trns"] = chunk(b"tRNS", struct.pack(">HHH", *map(int, samples[0, 0])))
                    if colour_type == 3:
                        palette = chunk(b"PLTE", rng.bytes(3 << depth))
                        # Two colours fewer than the depth allows: some indices have none.
                        short = chunk(b"PLTE", rng.bytes(max(3, (3 << depth) - 6)))
                        variants = {"": palette, "_short": short,
                                    "_trns": palette + chunk(b"tRNS", rng.bytes(1 << depth))}
                    for variant, chunks in variants.items():
                        data = png(samples, depth, colour_type, interlaced, chunks)
                        pixels = pillow_rgb(data)
                        if (colour_type, depth) == (0, 16):  # Pillow clips; we keep the high byte
                            pixels = np.repeat(samples >> 8, 3, axis=2).astype(np.uint8)
                        assert pixels is not None
                        name = f"t{colour_type}_b{depth}_i{int(interlaced)}_{height}x{width}{variant}.png"
                        add_decode(name, data, pixels)
    # Gamma, a colour profile's name and text change nothing.
    samples = rng.integers(0, 256, (9, 10, 3))
    extra = chunk(b"gAMA", struct.pack(">I", 100000)) + chunk(b"sRGB", b"\0") + chunk(b"tEXt", b"Comment\0hello")
    data = png(samples, 8, 2, False, extra)
    add_decode("gamma.png", data, pillow_rgb(data))
    # Pillow's own encoder, with its choice of filters.
    for mode, channels in (("L", 1), ("RGB", 3), ("RGBA", 4)):
        stream = io.BytesIO()
        Image.fromarray(picture(45, 52, channels).squeeze(), mode).save(stream, "PNG")
        add_decode(f"pillow_{mode}.png", stream.getvalue(), pillow_rgb(stream.getvalue()))
    # Wrong on purpose.
    good = png(samples, 8, 2, False)
    for name, offset in (("bad_crc.png", -13), ("bad_adler.png", -17)):  # of the last IDAT chunk, and of its stream
        bad = bytearray(good)
        bad[offset] ^= 1
        add_decode(name, bytes(bad), None)
    add_decode("no_end.png", good[:-12], None)
    add_decode("no_palette.png", png(samples[:, :, :1], 8, 3, False), None)


# ---- JPEG ------------------------------------------------------------------------------------------------------------


def jpeg(pixels, **options):
    stream = io.BytesIO()
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[pixels.shape[2]]
    Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels, mode).save(stream, "JPEG", **options)
    return stream.getvalue()


def scan_begin(data):
    """The offset of the first entropy-coded byte."""
    start = data.index(b"\xff\xda")
    return start + 2 + struct.unpack(">H", data[start + 2:start + 4])[0]


def with_adobe(data, transform):
    """The same file with an Adobe marker in place of JFIF's, which decides the colour space."""
    assert data[2:4] == b"\xff\xe0"
    end = 4 + struct.unpack(">H", data[4:6])[0]
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transform])
    return data[:2] + adobe + data[end:]


def with_transform(data, transform):
    """The same file with another transform in its Adobe marker."""
    at = data.index(b"Adobe\x00") + 11
    return data[:at] + bytes([transform]) + data[at + 1:]


def without_marker(data, marker):
    at = data.index(marker)
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2:at + 4])[0]:]


def add_jpegs():
    def add(name, data):
        pixels = pillow_rgb(data)
        assert pixels is not None, name
        add_decode(name + ".jpg", data, pixels)

    sizes = [(1, 1), (1, 17), (19, 1), (7, 9), (8, 8), (16, 16), (17, 33), (50, 61)]
    for height, width in sizes:
        size = f"{height}x{width}"
        rgb, grey, cmyk = (picture(height, width, channels) for channels in (3, 1, 4))
        for subsampling in (0, 1, 2):
            for progressive in (False, True):
                kind = "prog" if progressive else "base"
                add(f"{kind}_s{subsampling}_{size}", jpeg(rgb, quality=85, subsampling=subsampling,
                                                          progressive=progressive))
        add(f"optimised_{size}", jpeg(rgb, quality=30, optimize=True))
        add(f"best_{size}", jpeg(rgb, quality=100, subsampling=0))
        add(f"grey_{size}", jpeg(grey, quality=80))
        add(f"grey_prog_{size}", jpeg(grey, quality=80, progressive=True))
        for progressive in (False, True):
            data = jpeg(cmyk, quality=90, progressive=progressive)
            add(f"cmyk_p{int(progressive)}_{size}", data)
            add(f"ycck_p{int(progressive)}_{size}", with_transform(data, 2))
            add(f"cmyk_bare_p{int(progressive)}_{size}", without_marker(data, b"\xff\xee"))
        add(f"rgb_{size}", with_adobe(jpeg(rgb, quality=90, subsampling=0), 0))
    # EXIF says "rotate by 90 degrees"; Pillow's open() does not, and neither do we.
    exif = Image.Exif()
    exif[0x0112] = 6
    add("exif", jpeg(picture(20, 30, 3), exif=exif))

    # Truncated at many points, and with damaged entropy-coded data: refused or decoded, as Pillow does.
    random.seed(7)
    for name, data in (("base", jpeg(picture(40, 47, 3))), ("prog", jpeg(picture(40, 47, 3), progressive=True)),
                       ("grey", jpeg(picture(40, 47, 1))), ("cmyk", jpeg(picture(24, 25, 4)))):
        begin = scan_begin(data)
        ends = sorted({begin, len(data) - 3, len(data) - 2, len(data) - 1, *random.sample(range(begin, len(data)), 12)})
        for end in ends:
            add_decode(f"cut_{name}_{end}.jpg", data[:end], pillow_rgb(data[:end]))
        for i in range(40):
            broken = bytearray(data)
            for _ in range(random.randint(1, 4)):
                broken[random.randrange(begin, len(data) - 2)] = random.choice([0, 255, random.randrange(256)])
            add_decode(f"broken_{name}_{i}.jpg", bytes(broken), pillow_rgb(bytes(broken)))


# ---- Resize and preprocessing ----------------------------------------------------------------------------------------


def add_resizes():
    shapes = [((1, 1), (1, 1)), ((1, 1), (5, 3)), ((2, 3), (7, 11)), ((17, 31), (16, 30)), ((33, 20), (1, 1)),
              ((33, 20), (33, 7)), ((33, 20), (9, 20)), ((64, 48), (224, 200)), ((75, 100), (56, 75)),
              ((200, 300), (64, 96)), ((301, 199), (10, 7)), ((3, 500), (40, 13)), ((500, 3), (13, 40)),
              ((128, 128), (127, 129)), ((97, 89), (31, 64)), ((256, 256), (32, 32)), ((50, 50), (50, 50))]
    for i, ((height, width), (new_height, new_width)) in enumerate(shapes):
        for channels in (1, 3):
            noise = rng.integers(0, 256, (height, width, channels)).astype(np.uint8)
            extremes = (rng.integers(0, 2, (height, width, channels)) * 255).astype(np.uint8)
            for kind, pixels in (("noise", noise), ("extremes", extremes)):
                source = Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels)
                result = np.array(source.resize((new_width, new_height), Image.BILINEAR))
                name = f"resize_{i}_{channels}_{kind}"
                cases.append(f"resize {save_array(name + '.src.npy', pixels)} {new_width} {new_height} " +
                             save_array(name + ".dst.npy", result.reshape(new_height, new_width, channels)))


def torchvision_geometry(image, rule, resize, crop_h, crop_w):
    """Resize and CenterCrop of torchvision 0.14 for Pillow images."""
    if rule == "stretch":
        return image.resize((crop_w, crop_h), Image.BILINEAR)
    if rule == "short":
        width, height = image.size
        short, long = (width, height) if width <= height else (height, width)
        new_long = int(resize * long / short)
        image = image.resize((resize, new_long) if width <= height else (new_long, resize), Image.BILINEAR)
        width, height = image.size
        if crop_w > width or crop_h > height:
            pad_w, pad_h = max(crop_w - width, 0), max(crop_h - height, 0)
            padded = Image.new(image.mode, (width + pad_w, height + pad_h), 0)
            padded.paste(image, (pad_w // 2, pad_h // 2))
            image = padded
            width, height = image.size
        top = int(round((height - crop_h) / 2.0))
        left = int(round((width - crop_w) / 2.0))
        image = image.crop((left, top, left + crop_w, top + crop_h))
    return image


def quantise(real, scale, zero_point):
    inverse = np.float32(1) / np.float32(scale)
    return np.clip(np.rint(real * inverse) + np.float32(zero_point), -128, 127).astype(np.int8)


def add_preprocessing():
    torch_norm = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    specs = [  # rule, resize, crop height, crop width, mean and std, scale, zero point
        ("short", 256, 224, 224, torch_norm, 0.018658448, -14),
        ("short", 64, 56, 49, torch_norm, 0.0186, 3),
        ("short", 33, 32, 31, ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), 0.0078125, 0),
        ("short", 40, 61, 33, ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), 1 / 255, -128),
        ("short", 20, 64, 63, torch_norm, 0.002, 17),
        ("stretch", 0, 32, 48, torch_norm, 0.02, 127),
        ("stretch", 0, 96, 96, ((0.0, 0.1, 0.2), (1.0, 0.001, -2.0)), 1e-30, -1),
        ("none", 0, None, None, torch_norm, 0.0187, 5)]
    sizes = [(37, 53), (53, 37), (64, 64), (375, 500), (120, 91), (9, 200)]
    for i, (rule, resize, crop_h, crop_w, (mean, std), scale, zero_point) in enumerate(specs):
        for height, width in sizes:
            pixels = picture(height, width, 3)
            ch, cw = crop_h or height, crop_w or width
            for color in ("rgb", "bgr", "gray"):
                channels = 1 if color == "gray" else 3
                image = Image.fromarray(pixels)
                if color == "gray":
                    image = image.convert("L")
                result = np.array(torchvision_geometry(image, rule, resize, ch, cw)).reshape(ch, cw, channels)
                if color == "bgr":
                    result = result[:, :, ::-1]
                m, s = np.float32(mean[:channels]), np.float32(std[:channels])
                real = (result.astype(np.float32) / np.float32(255) - m) / s
                with np.errstate(over="ignore", invalid="ignore"):
                    quantised = quantise(real, scale, zero_point)
                name = f"preprocess_{i}_{height}x{width}_{color}"
                numbers = " ".join(repr(float(value)) for value in (*m, *s, np.float32(scale)))
                cases.append(f"preprocess {save_array(name + '.src.npy', pixels)} {rule} {resize} {ch} {cw} {color} " +
                             f"{numbers} {zero_point} {save_array(name + '.u1.npy', result)} " +
                             f"{save_array(name + '.f4.npy', real)} {save_array(name + '.i1.npy', quantised)}")


add_pngs()
add_jpegs()
add_resizes()
add_preprocessing()
# Last, so that the list exists only if everything in it does.
save_bytes("cases.txt", "".join(case + "\n" for case in cases).encode())
