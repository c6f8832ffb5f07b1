"""Tasks, worth, segments and profiles through the services: what they write, say, and refuse."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lxml import html
from typer.testing import CliRunner

from foresell.cli.main import app
from foresell.contracts.errors import InputError, NotFoundError
from foresell.predict.customers import BASELINES
from foresell.services.behavior import BehaviorRequest, fit_behavior
from foresell.services.customers.explain import explain_customer, fairness_of
from foresell.services.customers.fit import FittedSummary, fit_customers
from foresell.services.customers.predict import predict_customers
from foresell.services.customers.profile import profile_customer, tag_customers
from foresell.services.customers.segment import segment_customers
from foresell.services.customers.tasks import fitted_tasks, task_name
from foresell.services.customers.value import fit_value, predict_value, suggested_days
from foresell.services.erase import erase
from foresell.services.ingest import import_files
from foresell.services.inputs import ImportRequest
from foresell.services.leaderboards import read_leaderboard
from foresell.services.live.accepting import Acceptance
from foresell.services.live.customers import LiveScores
from foresell.services.live.moving import move_events
from foresell.services.report import write_report
from foresell.services.results import read_results
from foresell.services.shop import Shop, create_shop, open_shop
from foresell.sources.readers import ReadOptions
from foresell.store.models import load_artifact

FIRST = datetime(2023, 1, 2, 9, tzinfo=UTC)
NUM_DAYS, NUM_CUSTOMERS = 300, 90
DAY = timedelta(days=1)
CATEGORIES = ("tea", "coffee", "cake")
DECLARED = """
[task]
name = "buys_tea"
text = "will the customer buy tea within a fortnight"
horizon_days = 14
[population]
min_orders = 1
within_days = 120
[label]
kind = "order"
category = "tea"
[costs]
false_positive = 1
false_negative = 3
"""


def write_shop(folder: Path) -> dict[str, Path]:
    """Some customers order weekly, some monthly, every tenth once; many stop for good, the young oftener."""
    random = np.random.default_rng(7)
    orders, lines = ["order_id,customer_id,created_at,total_amount"], []
    lines = ["order_line_id,order_id,product_id,quantity,line_amount"]
    customers = ["customer_id,birth_year,gender"]
    for number in range(NUM_CUSTOMERS):
        is_young = number % 2 == 0
        pause = 7 if number % 3 else 25
        leaves = random.integers(90, NUM_DAYS) if random.random() < (0.5 if is_young else 0.2) else NUM_DAYS
        customers.append(f"c{number},{1998 if is_young else 1960},{'f' if number % 4 < 2 else 'm'}")
        day = float(random.uniform(0, pause))
        taste = number % len(CATEGORIES)
        while day < leaves:
            order = f"o{number}-{len(orders)}"
            at = FIRST + timedelta(days=day)
            product = (
                taste * 4 + int(random.integers(4)) if random.random() < 0.8 else int(random.integers(12))
            )
            amount = round(float(5 + product + random.uniform(0, 3)), 2)
            orders.append(f"{order},c{number},{at.isoformat()},{amount}")
            lines.append(f"{order}-1,{order},p{product},1,{amount}")
            day += float(random.gamma(4, pause / 4)) if number % 10 else NUM_DAYS
    products = ["product_id,title,category,price"]
    products += [f"p{n},Product {n},{CATEGORIES[n // 4]},{5 + n}" for n in range(12)]
    written = {"orders": orders, "order_lines": lines, "products": products, "customers": customers}
    paths = {}
    for name, rows in written.items():
        paths[name] = folder / f"{name}.csv"
        paths[name].write_text("\n".join([*rows, ""]), encoding="utf-8")
    return paths


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop with churn fitted; tests leave it able to answer the same again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORESELL_KEY", "5a" * 32)
        folder = tmp_path_factory.mktemp("customers")
        made = create_shop(folder / "store", {"store": {"currency": "EUR"}})
        for preset, path in write_shop(folder).items():
            import_files(made, ImportRequest(path, preset, options=ReadOptions(delimiter=",")))
        yield made


@pytest.fixture(scope="module")
def churn(shop: Shop) -> FittedSummary:
    return fit_customers(shop, "churn")


def test_fitting_puts_the_model_that_validation_chose_to_work(shop: Shop, churn: FittedSummary) -> None:
    board = read_leaderboard(shop, "churn")
    on_validation = {
        row["model"]: row["scores"]["log_loss"]  # type: ignore[index]
        for row in board.rows
        if row["split"] == "validation"
    }
    assert churn.model == min(on_validation, key=lambda name: on_validation[name])
    assert {*BASELINES, "logistic", "trees"} <= set(on_validation)
    assert fitted_tasks(shop) == ("churn",)
    artifact = load_artifact(shop.folder.models, "churn")
    assert artifact.config["name"] == churn.model
    assert not any("customer_id" in frame.columns for frame in artifact.tables.values())


def test_everybody_of_the_population_has_a_score_with_its_decision(shop: Shop, churn: FittedSummary) -> None:
    rows = read_results(shop, "scores").filter(pl.col("task") == "churn")
    assert rows["customer_id"].is_unique().all()
    assert rows["score"].is_between(0, 1).all()
    assert set(rows["model"]) == {churn.version}
    assert (rows["is_chosen"] == (rows["score"] >= churn_threshold(shop))).all()
    gone = {row["customer_id"] for row in rows.to_dicts() if row["score"] > 0.5}
    assert gone
    scored = predict_customers(shop, "churn")
    assert scored.rows["score"].is_sorted(descending=True)
    assert scored.num_chosen == int(rows["is_chosen"].sum())


def test_one_customer_now_is_scored_as_among_all(shop: Shop, churn: FittedSummary) -> None:
    live, asked = LiveScores(), ["c3", "c1"]
    batch = {
        row["customer_id"]: row for row in predict_customers(shop, "churn", customers=asked).rows.to_dicts()
    }
    for customer in asked:
        told = live.predict(shop, customer, "churn")
        assert told["score"] == pytest.approx(batch[customer]["score"])
        assert (told["is_chosen"], told["model"]) == (batch[customer]["is_chosen"], churn.version)
        assert told["cutoff_at"] == batch[customer]["cutoff_at"].isoformat()
    with pytest.raises(NotFoundError, match="is known yet"):
        live.predict(shop, "stranger", "churn")
    with pytest.raises(NotFoundError, match="no task"):
        live.predict(shop, "c1", "chrn")


def test_what_was_moved_renews_those_whom_it_names(shop: Shop, churn: FittedSummary, tmp_path: Path) -> None:
    shutil.copytree(shop.folder.root, tmp_path / "store")
    own, live = open_shop(tmp_path / "store"), LiveScores()
    before = live.predict(own, "c1", "churn")
    later = FIRST + timedelta(days=NUM_DAYS + 40)
    for customer in ("c1", "stranger"):
        event = {"event_id": customer, "event_name": "login", "customer_id": customer}
        Acceptance(own, lambda _: None).accept({**event, "occurred_at": later.isoformat()})
    live.renew(own, [run.run_id for run in move_events(own).runs])
    after = live.predict(own, "c1", "churn")
    assert after["score"] > before["score"]  # type: ignore[operator]
    assert after["cutoff_at"] > later.isoformat()  # type: ignore[operator]
    assert live.predict(own, "stranger", "churn")["cutoff_at"] == after["cutoff_at"]


def churn_threshold(shop: Shop) -> float:
    return float(load_artifact(shop.folder.models, "churn").config["threshold"]["value"])


def test_customers_who_left_are_said_to_leave(shop: Shop, churn: FittedSummary) -> None:
    """As of a day in the past, by a model that is judged here by what came: those scored high left."""
    cutoff = FIRST + timedelta(days=NUM_DAYS - 2 * churn.horizon_days)
    rows = predict_customers(shop, "churn", as_of=cutoff).rows
    orders = pl.DataFrame({"customer_id": rows["customer_id"], "score": rows["score"]})
    with shop.reading() as tables:
        later = (
            tables.current("orders")
            .to_polars()
            .filter(
                pl.col("created_at") >= cutoff,
                pl.col("created_at") < cutoff + timedelta(days=churn.horizon_days),
            )
        )
    left = ~orders["customer_id"].is_in(later["customer_id"].implode())
    assert orders.filter(left)["score"].mean() > orders.filter(~left)["score"].mean() + 0.2  # type: ignore[operator]


def test_asking_about_a_past_day_changes_nothing_that_is_written(shop: Shop, churn: FittedSummary) -> None:
    before = read_results(shop, "scores")
    predict_customers(shop, "churn", as_of=FIRST + timedelta(days=200), customers=["c1"])
    assert read_results(shop, "scores").equals(before)


def test_an_explanation_adds_up_and_speaks_both_languages(shop: Shop, churn: FittedSummary) -> None:
    first = predict_customers(shop, "churn").rows.row(0, named=True)
    explained = explain_customer(shop, "churn", first["customer_id"])
    assert explained.score == pytest.approx(first["score"])
    shown = sum(reason.adds for reason in explained.reasons)
    assert explained.score > explained.usual
    assert shown > 0
    english, chinese = explained.as_lines("en"), explained.as_lines("zh")
    assert len(english) == len(chinese)
    assert first["customer_id"] in english[0]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese[1])
    assert json.loads(json.dumps(explained.as_record(), default=str))["reasons"]


def test_fairness_is_told_by_groups_of_ten_people_at_least(shop: Shop, churn: FittedSummary) -> None:
    told = fairness_of(shop, "churn")
    assert {row["attribute"] for row in told["rows"]} >= {"age_band", "gender"}
    assert all(row["num_people"] is None or row["num_people"] >= 10 for row in told["rows"])


def test_a_task_of_the_shops_own_works_without_code(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "tea.toml"
    path.write_text(DECLARED, encoding="utf-8")
    fitted = fit_customers(shop, str(path))
    assert fitted.task == "buys_tea"
    assert fitted.threshold is not None
    rows = predict_customers(shop, "buys_tea").rows
    assert set(rows["task"]) == {"buys_tea"}
    drinkers = rows["customer_id"].str.strip_prefix("c").cast(pl.Int64) % 3 == 0
    assert rows.filter(drinkers)["score"].mean() > rows.filter(~drinkers)["score"].mean() + 0.1  # type: ignore[operator]
    assert explain_customer(shop, "buys_tea", rows["customer_id"][0]).task == "buys_tea"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('category = "tea"', 'category = "tea"\nbegins_days = -7', "7 days before the cutoff"),
        ("within_days = 120", "within_days = 120\nends_days = 14", "past the cutoff"),
        ("min_orders = 1", "min_order = 1", "min_orders"),
        ("horizon_days = 14", "horizon_days = 300", "too long for the history"),
        ('category = "tea"', 'category = "Tee"', "Tee"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused_in_plain_words(
    shop: Shop, tmp_path: Path, old: str, new: str, told: str
) -> None:
    path = tmp_path / "task.toml"
    path.write_text(DECLARED.replace(old, new), encoding="utf-8")
    with pytest.raises((InputError, NotFoundError)) as refused:
        fit_customers(shop, str(path))
    assert told in str(refused.value)


def test_a_category_becomes_part_of_the_name() -> None:
    assert task_name("will_buy_category", "TEA") == "will_buy_category_tea"
    assert task_name("will_buy_category", "Tea & Co") != task_name("will_buy_category", "tea co")
    assert task_name("will_buy_category", "茶") != task_name("will_buy_category", "咖啡")


def test_what_cannot_be_answered_is_said(shop: Shop, churn: FittedSummary) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'churn'"):
        predict_customers(shop, "chrun")
    with pytest.raises(NotFoundError, match="foresell fit return_risk"):
        predict_customers(shop, "return_risk")
    with pytest.raises(NotFoundError, match="no customer 'nobody'"):
        explain_customer(shop, "churn", "nobody")
    with pytest.raises(InputError, match="no data of that moment"):
        predict_customers(shop, "churn", as_of=FIRST - timedelta(days=9))
    with pytest.raises(InputError, match="events"):
        fit_customers(shop, "purchase_intent")
    with pytest.raises(NotFoundError, match="segmentation"):
        segment_customers(shop, "feature")


def test_worth_is_told_with_an_interval_and_ordered(shop: Shop) -> None:
    fitted = fit_value(shop)
    rows = read_results(shop, "scores").filter(pl.col("task") == "value")
    assert rows.height == NUM_CUSTOMERS
    assert (rows["unit"] == "EUR").all()
    known = rows.drop_nulls("lower")
    assert (known["lower"] <= known["upper"]).all()
    assert set(rows["model"]) == {fitted.version}
    again = predict_value(shop, customers=["c1"], as_of=FIRST + timedelta(days=220))
    assert again.rows["customer_id"].to_list() == ["c1"]
    assert read_leaderboard(shop, "value").metric == "gini"


def test_a_short_history_is_not_judged_by_its_value() -> None:
    with pytest.raises(InputError, match="too short"):
        suggested_days(FIRST, FIRST + timedelta(days=80))


def test_segments_cover_everybody_keep_their_names_and_tell_who_moved(shop: Shop) -> None:
    first = segment_customers(shop, "features", since=FIRST + timedelta(days=220))
    assert first.segments["num_customers"].sum() == NUM_CUSTOMERS
    assert first.segments["segment"].is_unique().all()
    assert first.segments["share_of_sales"].sum() == pytest.approx(1.0)
    assert first.migration is not None
    again = segment_customers(shop, "features")
    assert set(again.segments["segment"]) == set(first.segments["segment"])
    kept = segment_customers(shop, "features", is_refitted=False)
    assert kept.model == again.model
    rows = read_results(shop, "segments").filter(pl.col("segmentation") == "features")
    assert rows["customer_id"].n_unique() == rows.height == NUM_CUSTOMERS


def test_segments_by_rule(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "care.toml"
    path.write_text(
        'name = "care"\n[[segment]]\nname = "quiet tea drinkers"\n'
        'where = ["category=tea", "days_since_order > 30"]\n',
        encoding="utf-8",
    )
    found = segment_customers(shop, str(path))
    assert set(found.segments["segment"]) <= {"quiet tea drinkers", "everyone else"}
    with shop.reading() as tables:
        orders = tables.current("orders").to_polars()
    end = orders["created_at"].max()
    assigned = read_results(shop, "segments").filter(pl.col("segmentation") == "care")
    quiet = assigned.filter(pl.col("segment") == "quiet tea drinkers")["customer_id"]
    last = orders.group_by("customer_id").agg(pl.col("created_at").max())
    of_quiet = last.filter(pl.col("customer_id").is_in(quiet.implode()))["created_at"]
    assert of_quiet.len() > 0
    assert all(end - one > timedelta(days=30) for one in of_quiet)  # type: ignore[operator]


def test_a_profile_tells_of_one_customer_and_tags_of_all(shop: Shop, churn: FittedSummary) -> None:
    assert tag_customers(shop) > 0
    tags = read_results(shop, "profiles")
    assert tags["customer_id"].n_unique() == NUM_CUSTOMERS
    found = profile_customer(shop, "c3")
    assert found.customer_id == "c3"
    assert {score.task for score in found.risks} >= {"churn"}
    assert found.tastes[0].value == "tea"
    with pytest.raises(NotFoundError):
        profile_customer(shop, "nobody")


def test_the_report_shows_them_in_both_languages(shop: Shop, churn: FittedSummary, tmp_path: Path) -> None:
    for language, words in (("en", "What customers will do"), ("zh", "顾客将会做什么")):
        path = write_report(shop, tmp_path / f"{language}.html", language=language).path  # type: ignore[arg-type]
        page = html.fromstring(path.read_text(encoding="utf-8"))
        [tasks] = page.xpath('//section[@id="tasks"]')
        assert words in tasks.text_content()
        assert str(predict_customers(shop, "churn").num_chosen) in tasks.text_content()
        assert not tasks.xpath('.//p[@class="empty"]')


@pytest.mark.parametrize(
    "arguments",
    [
        ("leaderboard", "churn"),
        ("predict", "churn", "--top", "3"),
        ("predict", "churn", "--as-of", "2023-08-01", "--customer", "c1"),
        ("explain", "churn", "c1"),
        ("fairness", "churn"),
        ("segment", "rfm"),
        ("profile", "c1"),
    ],
    ids=" ".join,
)
def test_the_commands_answer_in_words_and_in_json(
    shop: Shop, churn: FittedSummary, arguments: tuple[str, ...]
) -> None:
    given = [*arguments, "--store", str(shop.folder.root)]
    told = CliRunner().invoke(app, given, catch_exceptions=False)
    assert told.exit_code == 0, told.output
    assert told.stdout.strip()
    assert told.stdout[0] not in "{["
    answered = CliRunner().invoke(app, [*given, "--json"], catch_exceptions=False)
    assert isinstance(json.loads(answered.stdout), dict)


@pytest.fixture(scope="module")
def behaving(shop: Shop, churn: FittedSummary, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The same shop with behavior models, one of which knew nothing from the first cutoff of churn on."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("behaving") / "store"
    shutil.copytree(shop.folder.root, folder)
    copied = open_shop(folder)
    assert churn.first_cutoff is not None
    early = datetime.combine(churn.first_cutoff, time(), UTC)
    fit_behavior(copied, BehaviorRequest(preset="tiny", changes={"max_epochs": 1}))
    fit_behavior(copied, BehaviorRequest(preset="tiny", changes={"max_epochs": 2}, cutoff=early))
    fit_behavior(copied, BehaviorRequest(preset="tiny", changes={"max_epochs": 1}, cutoff=early + DAY))
    return copied


def test_a_task_reads_vectors_of_a_model_that_knew_nothing_of_its_labels(
    behaving: Shop, churn: FittedSummary
) -> None:
    assert churn.behavior is None
    assert any(f"--cutoff {churn.first_cutoff}" in line for line in churn.as_lines())
    fitted = fit_customers(behaving, "churn", model="fused")
    assert (fitted.model, fitted.behavior) == ("fused", "behavior/0002")
    board = read_leaderboard(behaving, "churn")
    assert {"sequence", "fused", "trees"} <= {row["model"] for row in board.rows}
    # Whoever asks later, alone or among others, as of then or now, is told the same.
    everybody = predict_customers(behaving, "churn").rows
    some = everybody["customer_id"].sample(5, seed=1).to_list()
    alone = predict_customers(behaving, "churn", customers=some).rows
    both = alone.join(everybody, on="customer_id", suffix="_then")
    assert both["score"].to_numpy() == pytest.approx(both["score_then"].to_numpy(), rel=1e-9)
    told = explain_customer(behaving, "churn", some[0])
    assert told.score == pytest.approx(both.filter(pl.col("customer_id") == some[0])["score"][0], rel=1e-9)
    with pytest.raises(NotFoundError, match="No model 'fusion' was judged"):
        fit_customers(behaving, "churn", model="fusion")
    shutil.rmtree(behaving.folder.models / "behavior" / "0002")
    with pytest.raises(NotFoundError, match="learned from behavior/0002, which is gone"):
        predict_customers(behaving, "churn")


def test_erasing_a_customer_erases_what_models_said_of_them(shop: Shop, churn: FittedSummary) -> None:
    """Last: it changes the shop."""
    tag_customers(shop)
    erased = erase(shop, ["c3"])
    assert "churn" in " ".join(erased.models_to_retrain)
    for table in ("scores", "segments", "profiles"):
        assert "c3" not in set(read_results(shop, table)["customer_id"]), table
