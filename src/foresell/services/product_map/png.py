"""The map as a PNG, drawn by Pillow."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import DeniedError, InputError
from foresell.services.product_map.picture import HEIGHT, LABEL_SIZE, LEGEND, WIDTH, Picture

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

# Pixels a unit; circles are drawn larger still and made smaller, which smooths their edges.
SCALE, SMOOTHING = 2, 2
PAPER, INK, SOFT = "#ffffff", "#1d2329", "#59636e"
# The first that the machine has; the last resort, Pillow's own, lacks Chinese.
FONTS = ("NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "wqy-microhei.ttc", "msyh.ttc", "PingFang.ttc")


def write_png(drawn: Picture, path: Path) -> None:
    """Raises InputError where Pillow is missing, DeniedError where the file cannot be written."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise InputError(
            "A PNG needs Pillow",
            do="Install the extra: pip install 'foresell[behavior]'; or write the map as .html.",
        ) from error
    zoom = SCALE * SMOOTHING
    image = Image.new("RGB", (WIDTH * zoom, HEIGHT * zoom), PAPER)
    _draw_dots(ImageDraw.Draw(image), drawn, zoom)
    image = image.resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.LANCZOS)
    _draw_texts(ImageDraw.Draw(image), drawn)
    content = BytesIO()
    image.save(content, "PNG", optimize=True)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.getvalue())
    except OSError as error:
        raise DeniedError(
            f"{path} cannot be written", received=error.strerror, do="Choose a folder that you may write."
        ) from error


def _draw_dots(draw: "ImageDraw", drawn: Picture, zoom: int) -> None:
    legend = [
        (WIDTH - LEGEND + 16.0, 100.0 + 24 * row, 6.0, color) for row, (color, _) in enumerate(drawn.legend)
    ]
    dots = [(dot.x, dot.y, dot.radius, dot.color) for dot in drawn.dots]
    for x, y, radius, color in [*dots, *legend]:
        box = [(x - radius) * zoom, (y - radius) * zoom, (x + radius) * zoom, (y + radius) * zoom]
        draw.ellipse(box, fill=color, outline=PAPER, width=zoom // 2)


def _draw_texts(draw: "ImageDraw", drawn: Picture) -> None:
    def write(
        x: float, y: float, text: str, size: int, color: str, anchor: str = "ls", halo: int = 0
    ) -> None:
        draw.text(
            (x * SCALE, y * SCALE),
            text,
            color,
            _font(size),
            anchor=anchor,
            stroke_width=halo,
            stroke_fill=PAPER,
        )

    write(34, 36, drawn.title, 20, INK)
    write(34, 58, drawn.lead, 13, SOFT)
    for label in drawn.labels:
        write(label.x, label.y, label.text, LABEL_SIZE, INK, "ms", 2 * SCALE)
    for row, (_, name) in enumerate(drawn.legend):
        write(WIDTH - LEGEND + 30, 104 + 24 * row, name, 13, INK)
    write(WIDTH - LEGEND + 10, HEIGHT - 20, drawn.by, 12, SOFT)


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    for name in FONTS:
        try:
            return ImageFont.truetype(name, size * SCALE)
        except OSError:
            continue
    return ImageFont.load_default(size * SCALE)
