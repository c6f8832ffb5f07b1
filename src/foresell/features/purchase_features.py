"""What orders tell of a customer, feature by feature."""

from collections.abc import Iterator

from foresell.features import order_features, price_features, taste_features
from foresell.features.measures import Formula
from foresell.features.spec import CustomerSpec


def purchase_features(spec: CustomerSpec) -> Iterator[Formula]:
    yield from order_features.counts(spec)
    yield from order_features.rhythm()
    yield from order_features.baskets()
    yield from price_features.prices(spec)
    yield from taste_features.mix(spec)
    if spec.has_products:
        yield from taste_features.tastes(spec)
    if spec.has_refunds:
        yield from order_features.returns()
    if spec.focus is not None:
        yield from taste_features.focus(spec)
