"""S3-Rec: what users took, in order, without times (github.com/RUCAIBox/CIKM2020-S3Rec, as P5 and TIGER).

`sequences.txt`: a line a user, `user item item …`, earliest first. `attributes.json`: item → list of ids of
categories and brands.

The files hold no times. The last item of every user is set on the same day and each one before it a day
earlier, so that holding out the last day is the leave-one-out of the papers, and the day before their
validation. Every item counts as bought.
"""

from foresell.sources.mapping import Field, Mapping, Target
from foresell.sources.presets.preset import Preset
from foresell.sources.staging import ReadOptions

LAST_DAY = "2000-12-31 12:00:00+00"

EVENTS = Target(
    "events",
    {
        "event_id": Field(columns=("user_id", "place")),
        "event_name": Field(value="purchase"),
        "occurred_at": Field(
            columns=("place", "length"),
            sql=f"TIMESTAMPTZ '{LAST_DAY}' - "
            "to_days(TRY_CAST(length AS INTEGER) - TRY_CAST(place AS INTEGER))",
        ),
        "customer_id": Field(columns=("user_id",)),
        "product_id": Field(columns=("item_id",)),
    },
    is_primary=True,
)
CUSTOMERS = Target("customers", {"customer_id": Field(columns=("user_id",))}, is_stub=True)
KNOWN_PRODUCTS = Target("products", {"product_id": Field(columns=("item_id",))}, is_stub=True)
PRODUCTS = Target(
    "products",
    {
        "product_id": Field(columns=("item_id",)),
        "attributes": Field(
            columns=("attribute_ids",), sql="json_object('attribute_ids', CAST(attribute_ids AS JSON))"
        ),
    },
    is_primary=True,
)

S3REC = Preset(
    "s3rec",
    "S3-Rec: sequences of items (sequences.txt: `user item item …`) and attributes.json",
    {
        # Attributes come first, so that they hold for the whole of the catalog's time.
        "attributes": Mapping("s3rec.attributes", (PRODUCTS,), read=ReadOptions(format="s3rec_attributes")),
        "sequences": Mapping(
            "s3rec.sequences",
            (EVENTS, CUSTOMERS, KNOWN_PRODUCTS),
            read=ReadOptions(format="s3rec_sequences"),
        ),
    },
)
