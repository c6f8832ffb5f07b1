"""Why a product is recommended, in words that a shopper can read."""

from typing import Literal

Language = Literal["en", "zh"]

# `{}` stands for the name of the product because of which.
REASONS: dict[Language, dict[str, str]] = {
    "en": {
        "popular": "Popular right now",
        "buy_again": "You have bought this before",
        "bought_after": "Often bought after {}",
        "bought_with": "Customers who buy {} buy this too",
        "goes_with": "Goes well with {}",
        "similar_to": "Similar to {}",
        "your_taste": "Suits what you have chosen so far",
        "goes_with_basket": "Goes with {} in your basket",
        "bought_together": "Often bought together with {}",
        "trending": "Selling more than usual this week",
        "new": "New in the shop",
        "on_offer": "On offer now",
        "segment": "Chosen by customers like you",
    },
    "zh": {
        "popular": "近期热销",
        "buy_again": "您曾购买过此商品",
        "bought_after": "购买{}之后常买",
        "bought_with": "购买{}的顾客也会买",
        "goes_with": "与{}很搭",
        "similar_to": "与{}相似",
        "your_taste": "符合您一贯的选择",
        "goes_with_basket": "与您购物车中的{}搭配",
        "bought_together": "常与{}一起购买",
        "trending": "本周销量高于平常",
        "new": "新品上架",
        "on_offer": "正在优惠",
        "segment": "与您相似的顾客的选择",
    },
}
