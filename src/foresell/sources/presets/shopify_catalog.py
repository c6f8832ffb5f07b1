"""Shopify's products: a row a variant, and further rows that only bring another image.

What belongs to the whole product stands on its first row. Variants are sold: they are the products, and the
product they are variants of is their parent, whose id is its handle after `handle:`, since a SKU may be the
same word.
"""

from foresell.sources.mapping import Mapping, Target
from foresell.sources.presets.fields import amount, by_sql, column, text, with_columns

OPTIONS = [f"Option{number} Value" for number in (1, 2, 3)]
OF_PRODUCT = {
    "_title": "Title",
    "_body": "Body (HTML)",
    "_vendor": "Vendor",
    "_type": "Type",
    "_category": "Product Category",
    "_tags": "Tags",
    "_status": "Status",
    "_image": "Image Src",
}
OF_VARIANT = ("Variant SKU", "Variant Price", "Variant Image", "Cost per item", *OPTIONS)
IS_VARIANT = f"coalesce({text('Variant SKU')}, {text('Variant Price')}, {text('Option1 Value')}) IS NOT NULL"
CHOSEN = f"concat_ws(' / ', {', '.join(map(text, OPTIONS))})"
CARRIED = ", ".join(
    f"first_value({text(name)} IGNORE NULLS) OVER of_product AS {alias}" for alias, name in OF_PRODUCT.items()
)
# A product without options has one variant, which orders call by the product's title alone.
PREPARE = f"""
    SELECT *,
      CAST({IS_VARIANT} AS VARCHAR) AS _is_variant,
      'handle:' || "Handle" AS _parent,
      CASE WHEN {CHOSEN} IN ('', 'Default Title') THEN _title ELSE concat_ws(' - ', _title, {CHOSEN}) END
        AS _name
    FROM (
      SELECT *, {CARRIED}
      FROM {with_columns((*OF_PRODUCT.values(), *OF_VARIANT))}
      WINDOW of_product AS (PARTITION BY "Handle" ORDER BY _row_number
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING))
"""
DESCRIPTION = "trim(regexp_replace(regexp_replace(_body, '<[^>]*>', ' ', 'g'), '\\s+', ' ', 'g'))"
# What holds of every variant as it holds of the product.
SHARED = {
    "description": by_sql(DESCRIPTION, "_body"),
    "brand": column("_vendor"),
    "department": by_sql("nullif(split_part(_category, ' > ', 1), '')", "_category"),
    "category": by_sql("coalesce(_type, list_extract(string_split(_category, ' > '), -1))", "_type"),
    "category_path": column("_category"),
    "status": by_sql(
        "CASE lower(_status) WHEN 'draft' THEN 'hidden' WHEN 'unlisted' THEN 'hidden' "
        "WHEN 'archived' THEN 'discontinued' ELSE lower(_status) END",
        "_status",
    ),
    "attributes": by_sql("CASE WHEN _tags IS NOT NULL THEN json_object('tags', _tags) END", "_tags"),
}
VARIANTS = Target(
    "products",
    {
        "product_id": by_sql(f"coalesce({text('Variant SKU')}, _name)", "_name"),
        "parent_product_id": column("_parent"),
        "title": column("_name"),
        "price": by_sql(amount("Variant Price"), "Variant Price"),
        "cost": by_sql(amount("Cost per item"), "_name"),
        "image_url": by_sql(f"coalesce({text('Variant Image')}, _image)", "_image"),
        **SHARED,
    },
    is_primary=True,
    when="_is_variant = 'true'",
)


def _whole_products(*, is_primary: bool) -> Target:
    """Each row names its product anew in the same words: the first makes it, the others repeat it."""
    return Target(
        "products",
        {
            "product_id": by_sql("_parent", "Handle"),
            "title": column("_title"),
            "image_url": column("_image"),
            **SHARED,
        },
        is_primary=is_primary,
        when=None if is_primary else "_is_variant = 'true'",
    )


PRODUCTS_MAPPING = Mapping(
    "shopify.products",
    (VARIANTS, _whole_products(is_primary=True), _whole_products(is_primary=False)),
    prepare=PREPARE,
)
