"""WebP, and how a picture lies by the records of its file, against Pillow."""

import io
import os
import struct
import subprocess
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

PROBE = os.environ["SCATLIGHT_IMAGE_PROBE"]
MARK = b"Exif\0\0"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'
SHORT, LONG, SIGNED_LONG = 3, 4, 9
SIZE = (40, 24)


def exif(kind: int, *values: int, order: str = "<", tag: int = 0x112) -> bytes:
    """A record without its mark: one directory of one entry. Values of more than 4 bytes stand behind it."""
    code = {SHORT: "H", LONG: "I", SIGNED_LONG: "i"}[kind]
    content = struct.pack(f"{order}{len(values)}{code}", *values)
    place = content.ljust(4, b"\0") if len(content) <= 4 else struct.pack(order + "I", 26)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    entry = struct.pack(order + "HHHI", 1, tag, kind, len(values)) + place + bytes(4)
    return head + entry + (content if len(content) > 4 else b"")


EXIFS = {
    "short": exif(SHORT, 6),
    "short-big-endian": exif(SHORT, 6, order=">"),
    "long": exif(LONG, 5),
    "long-big-endian": exif(LONG, 7, order=">"),
    "signed": exif(SIGNED_LONG, 3),
    "two": exif(SHORT, 8, 1),
    "many-elsewhere": exif(LONG, 6, 1, 1, order=">"),
    "mark": MARK + exif(SHORT, 6),
    "zero": exif(SHORT, 0),
    "nine": exif(SHORT, 9),
    "other-tag": exif(SHORT, 6, tag=0x113),
}


def encode(form: str, **options: object) -> bytes:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    pixels = np.stack([5 * x, 9 * y, 3 * (x + y)], axis=2).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form, **options)
    return stream.getvalue()


def segment(content: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content


def with_segments(*contents: bytes, before: bytes = b"\xff\xdb") -> bytes:
    """A JPEG with more segments, before the first one of a kind."""
    jpeg = encode("JPEG", quality=90)
    place = jpeg.index(before)
    return jpeg[:place] + b"".join(map(segment, contents)) + jpeg[place:]


def with_chunks(*chunks: tuple[bytes, bytes], behind_pixels: bool = False) -> bytes:
    """A PNG with more chunks, before the first pixels or behind the last."""
    png = encode("PNG")
    place = png.index(b"IEND" if behind_pixels else b"IDAT") - 4
    packed = [
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    ]
    return png[:place] + b"".join(packed) + png[place:]


def raw_profile(record: bytes) -> bytes:
    """As ImageMagick writes it."""
    digits = record.hex()
    lines = [digits[i : i + 72] for i in range(0, len(digits), 72)]
    return f"\nexif\n{len(record):8}\n{chr(10).join(lines)}\n".encode()


def files() -> Iterator[tuple[str, bytes]]:
    for name, record in EXIFS.items():
        yield f"{name}.jpg", with_segments(MARK + record)
        yield f"{name}.png", with_chunks((b"eXIf", record))
        yield f"{name}.webp", encode("WEBP", lossless=True, exif=record)
    short, long, other = EXIFS["short"], EXIFS["long"], EXIFS["other-tag"]
    yield "behind-frame.jpg", with_segments(MARK + short, before=b"\xff\xc4")
    yield "xmp.jpg", with_segments(XMP_MARK + XMP)
    yield "xmp-behind-frame.jpg", with_segments(XMP_MARK + XMP, before=b"\xff\xda")
    yield "two-xmp.jpg", with_segments(XMP_MARK + XMP, XMP_MARK + XMP.replace(b'"8"', b'"3"'))
    yield "exif-and-xmp.jpg", with_segments(XMP_MARK + XMP, MARK + short)
    yield "other-exif-and-xmp.jpg", with_segments(MARK + other, XMP_MARK + XMP)
    yield "split.jpg", with_segments(MARK + short[:20], MARK + short[20:])
    yield "element.jpg", with_segments(XMP_MARK + b"<tiff:Orientation>6</tiff:Orientation>")
    yield "xmp.webp", encode("WEBP", lossless=True, xmp=XMP)

    keyword = b"XML:com.adobe.xmp\0"
    profile = b"Raw profile type exif\0"
    for behind in (False, True):
        place = "behind" if behind else "before"
        yield f"exif-{place}.png", with_chunks((b"eXIf", short), behind_pixels=behind)
        yield f"xmp-{place}.png", with_chunks((b"iTXt", keyword + b"\0\0\0\0" + XMP), behind_pixels=behind)
    yield "xmp-packed.png", with_chunks((b"iTXt", keyword + b"\1\0en\0XMP\0" + zlib.compress(XMP)))
    yield "profile.png", with_chunks((b"zTXt", profile + b"\0" + zlib.compress(raw_profile(MARK + short))))
    yield "plain-profile.png", with_chunks((b"tEXt", profile + raw_profile(short)))
    yield (
        "profile-and-exif.png",
        with_chunks((b"tEXt", profile + raw_profile(short)), (b"eXIf", long)),
    )
    yield "two-exif.png", with_chunks((b"eXIf", short), (b"eXIf", long))
    yield "empty-exif.png", with_chunks((b"eXIf", b""))
    yield "empty-text.png", with_chunks((b"tEXt", b"Comment\0"), (b"tIME", b"\0\0\0\0\0\0\0"))


def decode(file: Path) -> np.ndarray:
    to = file.with_suffix(".npy")
    subprocess.run([PROBE, "decode", to, file], check=True)
    return np.load(to)


FILES = dict(files())


@pytest.mark.parametrize("name", FILES)
def test_as_pillow(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(FILES[name])
    with warnings.catch_warnings(), Image.open(file) as image:
        warnings.simplefilter("ignore")  # Pillow's, of a record with too many values
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert np.array_equal(decode(file), expected)


def test_files_lie_in_every_way() -> None:
    """Else the comparison would prove little."""
    turned = [name for name, content in FILES.items() if lies_otherwise(content)]
    assert len(turned) > len(FILES) * 2 / 3


def lies_otherwise(content: bytes) -> bool:
    with warnings.catch_warnings(), Image.open(io.BytesIO(content)) as image:
        warnings.simplefilter("ignore")
        return image.getexif().get(0x112, 1) != 1


def test_record_with_a_wrong_checksum_is_passed_over(tmp_path: Path) -> None:
    """Pillow refuses the whole picture."""
    content = bytearray(with_chunks((b"eXIf", EXIFS["short"])))
    content[content.index(b"eXIf") + 4 + len(EXIFS["short"])] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    assert np.array_equal(decode(tmp_path / "a.png"), np.asarray(Image.open(io.BytesIO(encode("PNG")))))


@pytest.mark.parametrize("offset", [(0, 0), (6, 4)])
def test_first_frame_of_an_animation(offset: tuple[int, int], tmp_path: Path) -> None:
    frames = [Image.new("RGB", SIZE, colour) for colour in ("red", "blue", "green")]
    file = tmp_path / "a.webp"
    frames[0].save(file, save_all=True, append_images=frames[1:], lossless=True, minimize_size=False)
    content = file.read_bytes()
    if offset != (
        0,
        0,
    ):  # in units of two pixels, on a canvas that grows by as much
        place = content.index(b"ANMF") + 8
        canvas = content.index(b"VP8X") + 12
        grown = (
            struct.pack("<I", SIZE[0] + offset[0] - 1)[:3] + struct.pack("<I", SIZE[1] + offset[1] - 1)[:3]
        )
        moved = struct.pack("<I", offset[0] // 2)[:3] + struct.pack("<I", offset[1] // 2)[:3]
        content = content[:canvas] + grown + content[canvas + 6 : place] + moved + content[place + 6 :]
        file.write_bytes(content)
    with Image.open(file) as image:
        assert image.is_animated
        expected = np.asarray(image.convert("RGB"))
    result = decode(file)
    assert result.shape == (SIZE[1] + offset[1], SIZE[0] + offset[0], 3)
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}, {"quality": 30, "method": 6}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (64, 47)])
def test_webp(mode: str, size: tuple[int, int], options: dict[str, object], tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (size[1], size[0], len(mode)), dtype=np.uint8)
    file = tmp_path / "a.webp"
    Image.fromarray(pixels).save(file, **options)
    with Image.open(file) as image:
        assert np.array_equal(decode(file), np.asarray(image.convert("RGB")))
