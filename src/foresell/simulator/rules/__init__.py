"""The policies that `foresell simulate compare` knows by name."""

# Kind → name → the class, "module:Class"; its fields are the parameters.
POLICIES: dict[str, dict[str, str]] = {
    "recommend": {
        "best_sellers": "foresell.simulator.policies:BestSellers",
        "best_earners": "foresell.simulator.rules.recommending:BestEarners",
        "at_random": "foresell.simulator.rules.recommending:AtRandom",
        "more_like_viewed": "foresell.simulator.rules.similar:MoreLikeViewed",
    },
    "price": {
        "list_price": "foresell.simulator.rules.pricing:ListPrice",
        "cost_plus": "foresell.simulator.policies:CostPlus",
        "clearance": "foresell.simulator.rules.pricing:Clearance",
    },
    "promote": {
        "as_planned": "foresell.simulator.policies:AsPlanned",
        "scaled": "foresell.simulator.rules.pricing:ScaledPromotions",
    },
    "replenish": {
        "weeks_of_cover": "foresell.simulator.policies:WeeksOfCover",
        "safety_stock": "foresell.simulator.rules.replenishing:SafetyStock",
    },
}
