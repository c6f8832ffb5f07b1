"""Raw files to canonical tables: readers, mappings, presets."""

from foresell.sources.presets.canonical import CANONICAL_PRESETS
from foresell.sources.presets.completejourney import COMPLETE_JOURNEY
from foresell.sources.presets.ga4 import GA4, GA4_ORDERS
from foresell.sources.presets.online_retail import ONLINE_RETAIL
from foresell.sources.presets.preset import Preset
from foresell.sources.presets.rees46 import REES46
from foresell.sources.presets.s3rec import S3REC
from foresell.sources.presets.segment import RUDDERSTACK, RUDDERSTACK_ORDERS, SEGMENT, SEGMENT_ORDERS
from foresell.sources.presets.shopify import SHOPIFY
from foresell.sources.presets.woocommerce import WOOCOMMERCE

PRESETS: dict[str, Preset] = {
    "completejourney": COMPLETE_JOURNEY,
    "ga4": GA4,
    "ga4_orders": GA4_ORDERS,
    "online_retail": ONLINE_RETAIL,
    "rees46": REES46,
    "rudderstack": RUDDERSTACK,
    "rudderstack_orders": RUDDERSTACK_ORDERS,
    "s3rec": S3REC,
    "segment": SEGMENT,
    "segment_orders": SEGMENT_ORDERS,
    "shopify": SHOPIFY,
    "woocommerce": WOOCOMMERCE,
    **CANONICAL_PRESETS,
}
