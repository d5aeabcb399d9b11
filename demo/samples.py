"""A few sample photos for the demo: drawn here, with EXIF dates, so that an album has something to show."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import ExifTags, Image, ImageDraw

SIZE = (1200, 800)
SAMPLES = {
    "2023/spring.jpg": ("2023:04:05 09:30:00", "#9ad29a", "#3c7d4a"),
    "2023/summer.jpg": ("2023:07:21 18:05:00", "#ffd27a", "#2f7fb8"),
    "2023/autumn.jpg": ("2023:10:14 15:45:00", "#e8a25c", "#7a3e1d"),
    "2024/winter.jpg": ("2024:01:02 11:20:00", "#e9f1f7", "#7d9bb5"),
    "2024/birthday.jpg": ("2024:05:18 16:00:00", "#f5a3b8", "#8d2f55"),
    "2024/lake.jpg": ("2024:08:09 07:15:00", "#bfe3ea", "#1d5c6b"),
}


def picture(taken: str, sky: str, ground: str) -> bytes:
    """Return a JPEG of a sun over a field, taken at `taken` ("YYYY:MM:DD hh:mm:ss")."""
    image = Image.new("RGB", SIZE, sky)
    draw = ImageDraw.Draw(image)
    width, height = SIZE
    draw.ellipse((width * 0.62, height * 0.12, width * 0.8, height * 0.39), fill="#fff3c4")
    draw.polygon(
        [(0, height), (0, height * 0.7), (width * 0.45, height * 0.5), (width, height * 0.72), (width, height)],
        fill=ground,
    )
    exif = image.getexif()
    exif[ExifTags.Base.DateTime] = taken
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = taken
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88, exif=exif)
    return buffer.getvalue()


def samples(originals: Path) -> dict[str, bytes]:
    """Return path → content of all samples below `originals`."""
    return {str(originals / name): picture(*look) for name, look in SAMPLES.items()}


def write_samples(originals: Path) -> dict[str, bytes]:
    """Write the samples that are not there yet, each whole or not at all; return path → content of all."""
    made = samples(originals)
    for path, content in made.items():
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            partial = file.with_name(f".{file.name}.partial")
            partial.write_bytes(content)
            partial.replace(file)
    return made
