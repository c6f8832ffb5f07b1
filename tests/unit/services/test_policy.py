"""The loop closes: what is served by chance tells what another policy would earn, and the truth is inside."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.recommend.explore import Epsilon, explore
from foresell.predict.recommend.serving.request import Answer, Item, Request
from foresell.services.policy import PolicyReport, ServedValue, policy_report
from foresell.services.served import ShownBefore, click_counts, log_answers, mean_click_rate, shown_counts
from foresell.services.shop import Shop

NOW = datetime.now(UTC).replace(microsecond=0)
SERVED_AT = NOW - timedelta(days=3)
EVENTS = "event_id,event_name,occurred_at,customer_id,product_id"
# What the model likes is not what is clicked: exploring pays.
CLICK_RATES = np.array([0.10, 0.05, 0.15, 0.40, 0.60])
SCORES = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
SLOTS = 2


def true_rate(epsilon: float) -> float:
    """Clicks a shown product of lists of SLOTS drawn with this epsilon, summed over all lists."""
    total = 0.0
    for first in range(5):
        chance = epsilon / 5 + (1 - epsilon) * (first == 0)
        best = 1 if first == 0 else 0
        for second in set(range(5)) - {first}:
            follows = epsilon / 4 + (1 - epsilon) * (second == best)
            total += chance * follows * (CLICK_RATES[first] + CLICK_RATES[second])
    return total / SLOTS


def serve(seed: int, customer: str | None, surface: str = "customer", epsilon: float = 0.4) -> Answer:
    chosen = explore(SCORES, SLOTS, Epsilon(epsilon), seed)
    drawn = zip(chosen.order_K, chosen.propensity_K, strict=True)
    items = tuple(
        Item(f"p{position}", rank, float(SCORES[position]), float(chance))
        for rank, (position, chance) in enumerate(drawn, start=1)
    )
    request = Request(surface, SLOTS, customer, product_ids=("p1",), seed=seed)
    return Answer(request, items, (), "m/1", 0, f"epsilon:{epsilon}", SERVED_AT)


@pytest.fixture
def lived(shop: Shop, import_rows: Any) -> Shop:
    """1,500 customers are shown lists, and click as they do."""
    random = np.random.default_rng(5)
    answers = [serve(seed, f"c{seed}", "customer" if seed % 3 else "rerank") for seed in range(1_500)]
    answers.append(serve(1, None))
    log_answers(shop, answers)
    clicks = [
        f"e{answer.request.customer_id}-{item.rank},select_item,"
        f"{(SERVED_AT + timedelta(minutes=5)).isoformat()},{answer.request.customer_id},{item.product_id}"
        for answer in answers[:-1]
        for item in answer.items
        if random.random() < CLICK_RATES[int(item.product_id[1:])]
    ]
    import_rows(*clicks, f"last,page_view,{NOW.isoformat()},x,", header=EVENTS, preset="events")
    return shop


def clicks_of(report: PolicyReport, surface: str = "all") -> ServedValue:
    [found] = [one for one in report.values if (one.surface, one.reward) == (surface, "clicks")]
    return found


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.9])
def test_the_interval_of_an_estimate_holds_the_truth(lived: Shop, epsilon: float) -> None:
    report = policy_report(lived, epsilon=epsilon)
    found = clicks_of(report)
    assert found.served is not None
    assert found.served.lower < true_rate(0.4) < found.served.upper
    assert found.estimate is not None
    assert found.estimate.value.lower < true_rate(epsilon) < found.estimate.value.upper
    # It is told apart from what was served: the test would see an estimate that ignores the weights.
    if epsilon != 0.1:
        assert not found.estimate.value.lower < true_rate(0.4) < found.estimate.value.upper
    assert "mean_weight_not_1" not in found.estimate.warnings
    assert report.left_out == {"nobody": SLOTS}
    assert {one.surface for one in report.values} == {"all", "customer", "rerank"}
    assert clicks_of(report).num_judged == 2 * 1_500
    assert clicks_of(report, "customer").num_judged + clicks_of(report, "rerank").num_judged == 2 * 1_500


def test_without_another_epsilon_only_what_was_served_is_judged(lived: Shop) -> None:
    report = policy_report(lived, surface="rerank")
    found = clicks_of(report)
    assert (found.num_shown, found.num_known, found.num_judged, found.estimate) == (1_000, 1_000, 0, None)
    assert found.served is not None
    assert found.served.lower < true_rate(0.4) < found.served.upper
    with pytest.raises(NotFoundError, match="basket"):
        policy_report(lived, surface="basket")
    with pytest.raises(InputError):
        policy_report(lived, days=0)


def test_clicks_and_showings_of_a_product_are_those_of_the_log(lived: Shop) -> None:
    with lived.reading_matched() as tables:
        counted = click_counts(tables, 30)
        assert click_counts(tables, 2) == {}
    assert sum(shown for _, shown in counted.values()) == 2 * 1_500
    for product, (clicks, shown) in counted.items():
        rate = CLICK_RATES[int(product[1:])]
        assert clicks / shown == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / shown))
    assert mean_click_rate(counted) == pytest.approx(true_rate(0.4), abs=0.03)
    assert mean_click_rate({}) is None


def test_a_server_counts_in_memory_as_the_log_does(shop: Shop) -> None:
    log_answers(shop, [serve(1, "c1"), serve(2, "c2")])
    with shop.reading() as tables:
        before = ShownBefore(tables, 10)
    new = [replace(serve(3, "c1"), made_at=SERVED_AT + timedelta(seconds=1)), serve(4, "c3"), serve(5, None)]
    log_answers(shop, new)
    before.note(new)
    before.note(new)  # of another process, that tells again what is known
    with shop.reading() as tables:
        for customer in ("c1", "c2", "c3", "c4"):
            for days in (1, 2, 4, 10):
                assert before(customer, days, NOW) == shown_counts(tables, customer, days, NOW)
    with pytest.raises(InputError, match="nothing is kept"):
        before("c1", 11, NOW)


def test_a_click_belongs_to_the_surface_that_showed_last(shop: Shop, import_rows: Any) -> None:
    later = serve(1, "c1", "rerank")
    log_answers(shop, [serve(1, "c1"), replace(later, made_at=SERVED_AT + timedelta(hours=1))])
    product = later.items[0].product_id
    clicked = f"e1,view_item,{(SERVED_AT + timedelta(hours=2)).isoformat()},c1,{product}"
    import_rows(clicked, f"last,page_view,{NOW.isoformat()},x,", header=EVENTS, preset="events")
    for surface, rate in (("customer", 0.0), ("rerank", 0.5)):
        served = clicks_of(policy_report(shop, surface=surface)).served
        assert served is not None
        assert served.value == rate


def test_what_was_recommended_and_sent_back_is_told_beside_all_else(shop: Shop, import_rows: Any) -> None:
    long_ago = NOW - timedelta(days=60)
    log_answers(shop, [replace(serve(1, "c1"), made_at=long_ago)])
    product = serve(1, "c1").items[0].product_id
    orders = "order_id,customer_id,created_at,currency"
    bought = (long_ago + timedelta(days=2)).isoformat()
    import_rows(f"o1,c1,{bought},USD", f"o2,x,{NOW.isoformat()},USD", header=orders, preset="orders")
    import_rows(f"l1,o1,{product},2,8", "l2,o1,other,4,1")
    refunds = "refund_id,order_id,order_line_id,created_at,quantity,amount,currency"
    import_rows(f"r1,o1,l1,{bought},1,4,USD", header=refunds, preset="refunds")
    report = policy_report(shop, days=90)
    assert (report.returns.recommended.value, report.returns.others.value) == (0.5, 0.0)
    [revenue] = [one for one in report.values if (one.surface, one.reward) == ("all", "revenue")]
    assert revenue.served is not None
    assert revenue.served.value == pytest.approx(8 / SLOTS)


def test_the_command_tells_it_in_words_and_in_json(lived: Shop) -> None:
    store = ["--store", str(lived.folder.root)]
    told = CliRunner().invoke(app, ["policy", "value", "--epsilon", "0.1", *store])
    assert told.exit_code == 0, told.output
    assert "rerank" in told.output
    assert "2 rows left out: shown to nobody known" in told.output
    chinese = CliRunner().invoke(app, ["policy", "value", "--epsilon", "0.1", "--language", "zh", *store])
    assert "展示对象未知" in chinese.output
    answered = CliRunner().invoke(app, ["policy", "value", "--json", *store])
    record = json.loads(answered.stdout)
    assert record["epsilon"] is None
    first = record["values"][0]
    assert (first["surface"], first["reward"], first["num_shown"]) == ("all", "clicks", 3_002)
    assert first["served"][1] < first["served"][0] < first["served"][2]
    assert record["return_rate_of_recommended"] is None
