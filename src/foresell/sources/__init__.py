"""Raw files to canonical tables: readers, mappings, presets."""

from foresell.sources.presets.canonical import CANONICAL_PRESETS
from foresell.sources.presets.completejourney import COMPLETE_JOURNEY
from foresell.sources.presets.online_retail import ONLINE_RETAIL
from foresell.sources.presets.preset import Preset

PRESETS: dict[str, Preset] = {
    "completejourney": COMPLETE_JOURNEY,
    "online_retail": ONLINE_RETAIL,
    **CANONICAL_PRESETS,
}
