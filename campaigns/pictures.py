"""Damaged and odd pictures, through the reader that transfer uses and through whole transfers with odd words.

Row pictures/reader: mutated and odd files are read in this process; each is a picture of the right size or one clear
line that names the file. Row pictures/transfer: whole commands `repose transfer` with drawn options and poses
(Hypothesis), a picture of the right size or one clear line.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms

from campaigns import common

READER_SECONDS = 30.0
TRANSFER_SECONDS = 90.0
MEMORY = 3 << 30
BATCH = 200

# -- pictures -------------------------------------------------------------------------------------------------------


def noise(draw: random.Random, height: int, width: int, channels: int = 3) -> np.ndarray:
    """A smooth picture with some noise, uint8 (H, W) or (H, W, channels)."""
    numbers = np.random.default_rng(draw.getrandbits(32))
    small = numbers.integers(0, 256, (4, 3, channels), np.uint8)
    large = np.asarray(PIL.Image.fromarray(small.squeeze()).resize((width, height)) if channels in (1, 3, 4) else small)
    return np.clip(large.astype(np.int16) + numbers.integers(-9, 10, large.shape), 0, 255).astype(np.uint8)


def profile(draw: random.Random) -> bytes:
    """A colour profile: sRGB, Lab, XYZ, or bytes that are none."""
    kind = draw.choice(["sRGB", "LAB", "XYZ", "broken"])
    if kind == "broken":
        return draw.randbytes(draw.choice([0, 1, 130, 500]))
    whole = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile(kind)).tobytes()  # type: ignore[arg-type]
    return common.mutated(whole, draw)[0] if draw.random() < 0.4 else whole


def odd_picture(draw: random.Random) -> tuple[bytes, str, tuple[int, int] | None, str]:
    """A whole file of an odd kind: its bytes, suffix, size (width, height) if it must be read, and what it is."""
    # sizes around the smallest side, long strips, single pixels
    width, height = draw.choice([(64, 128), (33, 47), (16, 16), (1, 1), (1, 900), (900, 1), (7, 300), (255, 257)])
    mode = draw.choice(
        ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I", "F", "LAB", "HSV"]
    )
    format, suffix = draw.choice(
        [("PNG", ".png"), ("JPEG", ".jpg"), ("TIFF", ".tif"), ("WEBP", ".webp"), ("GIF", ".gif"), ("BMP", ".bmp"),
         ("PPM", ".ppm"), ("JPEG2000", ".jp2"), ("AVIF", ".avif"), ("DIB", ".dib")]
    )  # fmt: skip
    pixels = noise(draw, height, width)
    if mode in ("I;16", "I", "F"):
        wide = pixels[..., 0].astype(np.float32) * draw.choice([1, 257, 1 / 255])
        if mode == "F" and draw.random() < 0.3:
            wide[0, 0] = draw.choice([np.nan, np.inf, -1e30])
        picture = PIL.Image.fromarray(wide.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    elif mode in ("HSV", "LAB", "YCbCr", "CMYK", "RGBX", "RGBA"):
        picture = PIL.Image.frombytes(
            mode, (width, height), draw.randbytes(width * height * (3 if mode in ("HSV", "LAB", "YCbCr") else 4))
        )
    elif mode == "PA":
        picture = PIL.Image.fromarray(pixels).convert("P").convert("PA")
    else:
        picture = PIL.Image.fromarray(pixels).convert(mode)
    more: dict[str, Any] = {}
    what = f"{format} {mode} {width}x{height}"
    if draw.random() < 0.3:
        exif = PIL.Image.Exif()
        exif[0x0112] = draw.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 65535])
        more["exif"] = exif.tobytes() if draw.random() < 0.7 else draw.randbytes(60)
        what += f" turned {exif[0x0112]}"
    if draw.random() < 0.25:
        more["icc_profile"] = profile(draw)
        what += f" profile of {len(more['icc_profile'])} bytes"
    if format == "AVIF":
        more = {}  # Pillow crashes while it writes damaged EXIF
    if format in ("GIF", "WEBP", "PNG", "TIFF", "AVIF") and draw.random() < 0.3:
        others = [PIL.Image.fromarray(noise(draw, height, width)) for _ in range(draw.choice([1, 5]))]
        more |= {"save_all": True, "append_images": others}
        what += f" of {1 + len(others)} frames"
    if format == "JPEG" and draw.random() < 0.4:
        more |= draw.choice([{"progressive": True}, {"quality": 1}, {"subsampling": 2}, {"restart_marker_blocks": 1}])
    if (
        format == "TIFF" and "append_images" not in more and mode in ("1", "L", "RGB", "P")
    ):  # Pillow crashes while it writes others
        more |= {"compression": "group4" if mode == "1" else draw.choice(["tiff_lzw", "tiff_deflate", "packbits"])}
    if "transparency" not in more and mode in ("P", "L", "RGB") and format in ("PNG", "GIF") and draw.random() < 0.3:
        more["transparency"] = 0 if mode != "RGB" else (0, 0, 0)
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.save(buffer, format, **more)
    except Exception:  # Pillow cannot write this combination: as RGB, without the rest
        buffer = io.BytesIO()
        try:
            picture.convert("RGB").save(buffer, format)
        except Exception:
            return odd_picture(draw)
        what = f"{format} RGB {width}x{height}"
    wrong = "broken" in what or "profile" in what or "turned" in what
    content = buffer.getvalue()
    try:  # Pillow writes a few that it cannot read
        PIL.Image.open(io.BytesIO(content)).load()
    except Exception:
        wrong = True
    size = (
        None if wrong or "frames" in what or min(width, height) < 32 or mode in ("F", "I", "I;16") else (width, height)
    )
    if draw.random() < 0.1:  # a suffix that is another format's
        suffix = draw.choice([".jpg", ".png", ".gif", ".tif", ".webp", ".jpeg", ".JPG", ".mp4"])
        what += f" as {suffix}"
    return content, suffix, None if suffix == ".mp4" else size, what


def headers(draw: random.Random) -> tuple[bytes, str, str]:
    """Files that say they are huge, or are nothing: a PNG whose header has any sides, an empty file, only a start."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    which = draw.choice(["huge", "empty", "start", "text"] if draw.random() < 0.97 else ["bomb"])
    sides = draw.choice([0, 1, 10**5, 2**31 - 1, 2**32 - 1]), draw.choice([0, 1, 10**5, 2**31 - 1, 30_000])
    if which == "bomb":  # 3,000 x 2,000 pixels of zeros in a few KB
        data = zlib.compress(bytes(3_001) * 2000, 9)
        header = struct.pack(">IIBBBBB", 3_000, 2_000, 8, 0, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""), ".png", which
    if which == "huge":
        header = struct.pack(
            ">IIBBBBB", *sides, draw.choice([1, 8, 16]), draw.choice([0, 2, 3, 6]), 0, 0, draw.choice([0, 1])
        )
        body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + body, ".png", f"PNG that says {sides}"
    if which == "start":
        start = draw.choice(
            [b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"GIF89a", b"RIFF", b"BM", b"P6\n", b"%!PS", b"8BPS"]
        )
        return (
            start + draw.randbytes(draw.choice([0, 8, 4000])),
            draw.choice([".jpg", ".png", ".tif", ".gif"]),
            "a start",
        )
    return (b"" if which == "empty" else b"not a picture\n" * 40), draw.choice([".jpg", ".png", ".webp"]), which


# -- the reader -----------------------------------------------------------------------------------------------------


def one_file(seed: int, number: int, place: Path) -> tuple[Path, str, tuple[int, int] | None]:
    """Input `number`: a file, what it is, and its size if it must be read."""
    draw = random.Random(f"{seed}/{number}")
    kind = number % 4
    if kind == 3 and draw.random() < 0.25:
        content, suffix, what = headers(draw)
        size = None
    else:
        content, suffix, size, what = odd_picture(draw)
        if kind:  # three of four are damaged
            for _ in range(draw.choice([1, 1, 2, 5])):
                content, how = common.mutated(content, draw)
                what += f", {how}"
            size = None
    path = place / f"input{suffix}"
    path.write_bytes(content)
    return path, what, size


def reader(options: argparse.Namespace) -> int:
    """Row pictures/reader."""
    campaign = common.Campaign(
        "pictures/reader",
        "damaged and odd pictures: a picture of the right size, or one clear line with the file's name; no other "
        f"exception, no crash, at most {READER_SECONDS:.0f} s",
        options.seed,
    )
    import repose.images  # noqa: F401  (once, not in every child)

    with common.folder() as place:
        number = 0
        while number < options.inputs:  # in children, since a crash in a library of C takes the process along
            first, last = number, min(number + BATCH, options.inputs)
            ended = common.forked(lambda first=first, last=last: _batch(options.seed, first, last, place / "files"),
                                  place, READER_SECONDS * 10)  # fmt: skip
            lines = [json.loads(line) for line in ended.out.splitlines()]
            for line in lines[1::2]:
                campaign.judged(*line)
            number = first + len(lines) // 2
            if number < last:
                if len(lines) % 2 == 0:
                    raise SystemExit(f"error: input {number} cannot be drawn: {ended.err[-500:]}")
                kind = "hang" if ended.status is None else "crash"
                campaign.judged(kind, f"{lines[-1]}: {ended.err[-300:]}")
                number += 1
    return campaign.finish(common.places(options))


def _batch(seed: int, first: int, last: int, place: Path) -> None:
    """Read some inputs, and print two lines for each: what it is, and [failure, detail, outcome]."""
    for number in range(first, last):
        path, what, size = one_file(seed, number, common.empty(place))
        detail = f"input {number}, {what}"
        print(json.dumps(detail), flush=True)
        print(json.dumps(_read(path, detail, size)), flush=True)


def _read(path: Path, detail: str, size: tuple[int, int] | None) -> tuple[str | None, str, str]:
    from repose.images import Photograph

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with common.limited(READER_SECONDS):
                photograph = Photograph.read(path)
                small = photograph.pixels[:1000, :1000]
                copy = photograph.save(path.with_name("copy.png"), small)
    except common.TooSlow:
        return "hang", detail, ""
    except Exception as error:
        kind = common.error_verdict(error, path)
        if kind is None and size is not None:
            kind = "a whole picture is refused"
        return kind, f"{detail}: {type(error).__name__}: {error}", "one line"
    return (*_picture(photograph, copy, size, detail), "picture")


def _picture(photograph: Any, copy: Path, size: tuple[int, int] | None, detail: str) -> tuple[str | None, str]:
    """Whether what was read is a picture, of the right size, and what was written of it too."""
    pixels = photograph.pixels
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        return "no picture", f"{detail}: {pixels.dtype} {pixels.shape}"
    if size is not None and pixels.shape[:2] != size[::-1]:
        return "wrong size", f"{detail}: {pixels.shape}, not {size[::-1]}"
    with PIL.Image.open(copy) as again:
        again.load()
        if again.size != (min(1000, pixels.shape[1]), min(1000, pixels.shape[0])):
            return "wrong size", f"{detail}: written as {again.size}"
    return None, detail


# -- whole transfers ------------------------------------------------------------------------------------------------


def prepared(place: Path) -> dict[str, Path]:
    """Weights, photographs of rendered people, and their keypoint files."""
    from tests import tiny

    from repose.render import Renderer, render_person

    files = {"model": tiny.save(place / "model")}
    with Renderer(height=160, width=160) as renderer:
        for name, number in (("me", 0), ("dancer", 1)):
            person = render_person(renderer, 977, number, 1, "street")[0]
            files[name] = place / f"{name}.png"
            PIL.Image.fromarray(person.image[:, 40:120]).save(files[name])
            joints = np.asarray(person.keypoints, float).copy()
            joints[:, 0] -= 40
            files[f"{name}_pose"] = place / f"{name}.json"
            text = {"people": [{"pose_keypoints_2d": [float(v) for joint in joints for v in joint]}]}
            files[f"{name}_pose"].write_text(json.dumps(text))
    return files


def words_of(files: dict[str, Path], strategies: Any) -> Any:
    """A Hypothesis strategy: (words of a transfer, bytes of the source, bytes of the pose, expected size)."""
    st = strategies
    whole = files["me"].read_bytes()
    pose = files["dancer_pose"].read_bytes()
    number = st.one_of(
        st.floats(-1e6, 1e6), st.integers(-10, 300), st.sampled_from([1e308, float("nan"), float("inf"), 1e19]),
        st.none(), st.text(max_size=3), st.booleans(),
    )  # fmt: skip
    size = st.one_of(
        st.sampled_from(["100", "64x64", "128x64", "1x1", "200x400", "1024", "33x900"]),
        st.sampled_from(["100", "64x64", "128x64", "1x1", "200x400", "1024", "33x900"]),
        st.tuples(st.integers(0, 3000), st.integers(0, 3000)).map(lambda pair: f"{pair[0]}x{pair[1]}"),
        st.text("0123456789xX.- ", max_size=9),
        st.sampled_from(["1e3", "٣٢", "²", "64x", "x", "100000x100000", "99999999999999999999", "0", "-1"]),
    )
    who = ["largest", "best", "left", "right", "middle", "0"]
    person = st.one_of(
        st.sampled_from(who), st.sampled_from(who), st.sampled_from(["1", "7", "-1", "²", ""]), st.text(max_size=4)
    )
    behind = ["keep", "white", "transparent", "dancer.png"]
    switch = st.sampled_from([("--room",), ("--crop",), ("--no-retarget",), ("--json",), ("--force",)])
    option = st.one_of(
        switch,
        st.tuples(st.just("--size"), size),
        st.tuples(st.just("--background"), st.sampled_from(behind)),
        st.tuples(st.just("--quality"), st.sampled_from(["1", "50", "100"])),
        st.tuples(st.just("--min-score"), st.sampled_from(["0", "0.3", "0.5", "1"])),
        st.tuples(st.just("--scale"), st.sampled_from(["1", "2", "3"])),
        st.tuples(st.just("--person"), person),
        st.tuples(st.just("--target-person"), person),
        st.tuples(st.just("--target-size"), st.one_of(st.sampled_from(["160x80", "64x64", "300x9"]), size)),
    )
    odd_option = st.one_of(
        st.tuples(st.just("--background"), st.one_of(
            st.sampled_from(["generated", "none.png", "me.json", "", "."]), st.text(max_size=5),
        )),
        st.tuples(st.just("--min-score"), st.one_of(st.floats(allow_nan=True).map(str), st.text(max_size=4))),
        st.tuples(st.just("--quality"), st.integers(-1, 102).map(str)),
        st.tuples(st.just("--scale"), st.one_of(st.integers(-2, 6).map(str), st.just("1000000"))),
        st.tuples(st.just("--mask"), st.sampled_from(["none", "auto", "movenet", "nothing", ""])),
        st.tuples(st.just("--labels"), st.one_of(st.sampled_from(["lip", "cihp", "atr"]), st.text(max_size=8))),
        st.tuples(st.just("--source-parsing"), st.sampled_from(["me.png", "none.png", "me.json", "."])),
        st.tuples(st.just("--source-iuv"), st.sampled_from(["me.png", "none.png", "me.json"])),
    )  # fmt: skip
    options = st.one_of(
        st.lists(option, max_size=3), st.lists(option, max_size=3), st.lists(st.one_of(option, odd_option), max_size=3)
    )
    joints = st.lists(number, min_size=0, max_size=54)
    document = st.one_of(
        st.just(pose), st.just(pose), st.just(pose),
        joints.map(lambda values: json.dumps({"people": [{"pose_keypoints_2d": values}]}).encode()),
        st.recursive(number, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
            st.sampled_from(["people", "pose_keypoints_2d", "keypoints", "annotations", "images", "score", "bbox"]),
            inner, max_size=4), max_leaves=12).map(lambda tree: json.dumps(tree).encode()),
        st.integers(0, 2**32).map(lambda seed: common.mutated(pose, random.Random(seed))[0]),
        st.integers(0, 2**32).map(lambda seed: scaled(pose, random.Random(seed))),
    )  # fmt: skip
    source = st.one_of(
        st.just(whole), st.just(whole), st.just(whole), st.just(whole), st.just(whole),
        st.integers(0, 2**32).map(lambda seed: common.mutated(whole, random.Random(seed))[0]),
        st.integers(0, 2**32).map(lambda seed: odd_picture(random.Random(seed))[0]),
    )  # fmt: skip
    target = st.one_of(
        st.just("pose.json"), st.just("pose.json"), st.just("pose.json"),
        st.sampled_from(["pose.json#0", "pose.json#none", "dancer.png", "pose.json#", "none.json", "."]),
        st.text(max_size=4).map(lambda text: f"pose.json#{text}"),
    )  # fmt: skip
    whole_out = st.sampled_from(["out.png", "out.jpg", "out.webp", "out.tif", "deep/er/out.png"])
    out = st.one_of(
        whole_out, whole_out, whole_out, st.sampled_from(["out.xyz", "out", "me.png", "dancer.png/out.png", "."])
    )
    return st.tuples(source, document, target, options, out, st.booleans())


def scaled(pose: bytes, draw: random.Random) -> bytes:
    """The pose elsewhere: scaled, moved, with joints missing or all in one place."""
    joints = np.array(json.loads(pose)["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
    factor = draw.choice([0, 1e-3, 0.1, 0.5, 1, 3, 100, 1e6, -1])
    joints[:, :2] = joints[:, :2] * factor + draw.choice([0, -500, 40, 1e5])
    joints[[draw.randrange(18) for _ in range(draw.choice([0, 3, 20]))]] = 0
    return json.dumps({"people": [{"pose_keypoints_2d": joints.ravel().tolist()}]}).encode()


def transfers(options: argparse.Namespace) -> int:
    """Row pictures/transfer."""
    import hypothesis
    from hypothesis import strategies

    campaign = common.Campaign(
        "pictures/transfer",
        "whole `repose transfer` with drawn options, poses and pictures (Hypothesis): a picture of the right size, "
        "or status "
        f"2 or 3 with a line; at most {TRANSFER_SECONDS:.0f} s and {MEMORY >> 30} GiB, no temporary files left",
        options.seed,
    )
    import torch

    import repose.cli.transfer
    import repose.pipeline
    import repose.scene  # noqa: F401  (what the forked children need is imported once)

    torch.set_num_threads(1)
    count = max(1, options.inputs // 20)
    with common.folder() as base:
        files = prepared(base / "files")
        place = base / "work"

        @hypothesis.seed(options.seed)
        @hypothesis.settings(
            max_examples=count, deadline=None, database=None, phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        @hypothesis.given(words_of(files, strategies))
        def each(drawn: Any) -> None:
            transfer(campaign, files, place, *drawn)

        each()
    return campaign.finish(common.places(options))


def transfer(
    campaign: common.Campaign, files: dict[str, Path], place: Path, source: bytes, pose: bytes, target: str,
    drawn: list[tuple[str, ...]], out: str, own_joints: bool,
) -> None:  # fmt: skip
    """One whole transfer in a child of this process, judged."""
    common.empty(place)
    (place / "me.png").write_bytes(source)
    (place / "pose.json").write_bytes(pose)
    for name in ("dancer.png", "me.json"):
        shutil.copy(files[name.replace(".json", "_pose").removesuffix(".png")], place / name)
    options = [word.replace("\0", "0") for pair in drawn for word in pair]
    options = [word.encode("utf-8", "replace").decode() for word in options]
    mask = [] if "--mask" in options else ["--mask", "none"]
    joints = ["--source-keypoints", "me.json"] if own_joints or "json" in target else []
    words = ["transfer", "me.png", target.replace("\0", "0").encode("utf-8", "replace").decode(), "-o", out, *mask]
    words += ["--model", str(files["model"]), *joints, *options]
    ended = common.forked(lambda: common.command(words), place, TRANSFER_SECONDS, words)
    kind = common.verdict(ended, good=(0, 3), memory=MEMORY)
    if kind is None and ended.status == 0:
        kind = _result(place / out)
    if kind is None and (left := common.left_over(place)):
        kind = f"left over: {left[0][-8:]}"
    if (
        kind is None
        and ended.status == 2
        and (place / out).exists()
        and out in ("out.png", "out.jpg", "out.webp", "out.tif", "deep/er/out.png")
    ):
        kind = "a picture in spite of an error"
    if kind is None and out == "me.png" and "--force" not in options and (place / out).read_bytes() != source:
        kind = "the source was overwritten"
    campaign.judged(
        kind, f"{ended}; pose {pose[:300]!r}", {0: "picture", 2: "one line", 3: "skipped"}[ended.status or 0]
    )


def _result(path: Path) -> str | None:
    try:
        with PIL.Image.open(path) as picture:
            picture.load()
            return None if min(picture.size) > 0 else "no picture"
    except Exception:
        return "no picture"


PARTS: dict[str, Callable[[argparse.Namespace], int]] = {"pictures/reader": reader, "pictures/transfer": transfers}


def main(words: list[str]) -> int:
    """Run the rows; 1 if one has failures."""
    options = common.parser(__doc__, inputs=10_000).parse_args(words)
    PIL.Image.init()
    return 1 if sum(part(options) for part in common.rows(options, PARTS).values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
