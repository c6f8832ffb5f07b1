"""The default world, and two in which people show more of themselves by visits and by purchases."""

from foresell.simulator.settings import WorldSettings, change_world

WORLDS: dict[str, WorldSettings] = {
    "default": change_world(WorldSettings(), customers=8_000, days=180),
    # Everybody logs in, comes often, and more of them leave.
    "visits": WorldSettings.model_validate(
        {
            "shop": {"customers": 2_000, "days": 270},
            "people": {
                "known_rate": 1.0,
                "visits_per_month": 6.0,
                "churn_per_month": 0.05,
            },
            "journeys": {"login_rate": 1.0},
        }
    ),
    # Nobody has habits, which buy at any price; much is bought, and promotions are many and deep.
    "promotions": WorldSettings.model_validate(
        {
            "shop": {"customers": 1_500, "days": 180},
            "people": {
                "known_rate": 1.0,
                "habit_rate": 0.0,
                "visits_per_month": 4.0,
                "churn_per_month": 0.0,
                "churn_after_trouble": 0.0,
            },
            "journeys": {
                "login_rate": 1.0,
                "bounce_rate": 0.0,
                "click_rate": 0.16,
                "cart_rate": 0.1,
                "more_pages_rate": 0.55,
                "most_pages": 8,
                "checkout_rate": 0.62,
            },
            "demand": {"promotion_rate": 0.25, "promotion_discount": 0.4},
        }
    ),
}
