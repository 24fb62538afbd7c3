"""Writes src/tallystick/documents/fonts anew: what invoices need of Noto Sans, cut from Debian's packages of it (ADR 0011).

`pip install fonttools && apt-get download fonts-noto-core fonts-noto-cjk && python scripts/fonts.py FOLDER-WITH-THEM`"""

import subprocess
import sys
import tempfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

OUT = Path(__file__).parents[1] / "src/tallystick/documents/fonts"
LATIN = [(0x20, 0x530), (0x1E00, 0x2C80), (0xA720, 0xA800), (0xFB00, 0xFB07)]
PLANES = [(0x20, 0xD800), (0xF900, 0x10000), (0x20000, 0x2FFFF)]  # none of the private areas
LEVEL_2 = b"\x98\x9f"
IN_NO_TABLE = {0x20BB7}  # 𠮷, which people are called all the same


def encoded(codec: str) -> dict[int, bytes]:
    """The code points that the codec knows, with their bytes."""
    found = {}
    for start, end in PLANES:
        for point in range(start, end):
            try:
                found[point] = chr(point).encode(codec)
            except UnicodeEncodeError:
                continue
    return found


def cut(font: TTFont, points: set[int], name: str) -> None:
    options = subset.Options(
        hinting=False, layout_features=["kern", "ccmp", "locl", "mark", "mkmk"], name_languages=[0x409], name_IDs=["*"],
        notdef_outline=True, recalc_timestamp=False,
    )  # fmt: skip
    options.drop_tables += ["VORG", "vhea", "vmtx"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=points)
    cutter.subset(font)
    font.save(OUT / name)
    print(name, (OUT / name).stat().st_size)


def main(packages: Path) -> None:
    sjis, windows, jis = encoded("shift_jis"), encoded("cp932"), encoded("euc_jis_2004")
    first_level = {point for point, code in sjis.items() if len(code) == 1 or code < LEVEL_2}
    kanji = set(windows) | IN_NO_TABLE | {point for point, code in jis.items() if len(code) < 3}
    latin = {point for start, end in LATIN for point in range(start, end)}
    with tempfile.TemporaryDirectory() as folder:
        for package in packages.glob("fonts-noto-*.deb"):
            subprocess.run(["dpkg", "-x", package, folder], check=True)
        share = Path(folder, "usr/share/fonts")
        for weight, points in (("Regular", kanji), ("Bold", first_level)):
            cut(TTFont(share / f"truetype/noto/NotoSans-{weight}.ttf", recalcTimestamp=False), latin, f"NotoSans-{weight}.ttf")
            faces = TTCollection(share / f"opentype/noto/NotoSansCJK-{weight}.ttc", recalcTimestamp=False).fonts
            (japanese,) = (face for face in faces if face["name"].getDebugName(6) == f"NotoSansCJKjp-{weight}")
            cut(japanese, points, f"NotoSansCJKjp-{weight}.otf")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
