"""Raw exports of a simulated shop, as other systems write theirs; a preset of the same name reads each."""

from foresell.simulator.exports.export import Export
from foresell.simulator.exports.ga4 import GA4
from foresell.simulator.exports.rees46 import REES46
from foresell.simulator.exports.segment import SEGMENT
from foresell.simulator.exports.shopify import SHOPIFY

EXPORTS: dict[str, Export] = {
    "ga4": GA4,
    "rees46": REES46,
    "segment": SEGMENT,
    "shopify": SHOPIFY,
}
"""Name of the export and of the preset that reads it → how it is made."""
