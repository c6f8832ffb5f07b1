"""Segments: who is alike, in words, and what that means for the shop.

`load_segmentation(name)` → `fit(Customers, config)` → `assign`. By rule: `rules.read_rules`. What may leave
the shop: `exporting`.
"""

from typing import TYPE_CHECKING

from foresell.predict.entries import load_entry

if TYPE_CHECKING:
    from foresell.predict.customers.segments.segmentation import Segmentation

# Name → the module whose SEGMENTATION it is; loaded on use. The name is also the kind of its artifacts.
SEGMENTATIONS: dict[str, str] = {
    "rfm": "foresell.predict.customers.segments.rfm",
    "features": "foresell.predict.customers.segments.feature_clusters",
    "behavior": "foresell.predict.customers.segments.behavior_clusters",
    "autoencoder": "foresell.predict.customers.segments.autoencoder",
}


def load_segmentation(name: str) -> "Segmentation":
    """The segmentation of that name; NotFoundError names the valid ones."""
    segmentation: Segmentation = load_entry(SEGMENTATIONS, name, "segmentation", "SEGMENTATION")
    return segmentation
