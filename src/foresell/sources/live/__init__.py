"""Events as they arrive one by one: whose shape they have, whether they can be used, how they are stored."""

from foresell.sources.live import canonical, ga4, segment
from foresell.sources.live.shape import Shape

SHAPES: dict[str, Shape] = {
    "canonical": canonical.CANONICAL,
    "ga4": ga4.GA4,
    "segment": segment.SEGMENT,
}
