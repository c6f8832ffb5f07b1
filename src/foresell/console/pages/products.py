"""Products & recommendations: try as any customer, reasons, why not, rules, search, models compared."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from nicegui import background_tasks, ui

from foresell.console.boards import board
from foresell.console.fitting import fit_button
from foresell.console.forms import button, field, number_field, select_field
from foresell.console.marks import listed, meter, paragraph
from foresell.console.pages import products_rules
from foresell.console.pieces import act, card, columns, empty, failed, heading, later, show, tabs, waiting
from foresell.console.tables import Column, table
from foresell.console.visit import Visit
from foresell.services.leaderboards import read_leaderboard
from foresell.services.models_in_use import is_in_production
from foresell.services.recommend import make_requests, recommend, why_not
from foresell.services.rule_edits import hide_product
from foresell.services.rules import RuleVersion
from foresell.services.search import search

TABS = ("try", "search", "rules", "compare")
# Surfaces, and whether they are asked of a customer, of products.
SURFACES: dict[str, tuple[bool, bool]] = {
    "customer": (True, False),
    "buy_again": (True, False),
    "basket": (True, True),
    "similar": (False, True),
    "together": (False, True),
    "trending": (False, False),
    "new_arrivals": (False, False),
    "on_offer": (False, False),
}
MOST_K = 50


async def build(visit: Visit) -> None:
    heading(visit.say("products.title"), visit.say("products.lead"))
    chosen = visit.values.get("tab", "try")
    chosen = chosen if chosen in TABS else "try"
    tabs(visit, "tab", {name: visit.say(f"products.tab.{name}") for name in TABS}, chosen)
    if chosen == "compare":
        with card(visit.say("products.tab.compare")):
            later(
                visit,
                visit.say("products.tab.compare"),
                lambda: visit.house.ask(read_leaderboard, "recommend"),
                lambda found: board(visit, found),
            )
    elif chosen == "rules":
        await products_rules.build(visit)
    elif chosen == "search":
        _search(visit)
    elif await visit.house.in_thread(is_in_production, visit.house.shop, "recommend"):
        _try(visit)
    else:
        _unfitted(visit)


def _unfitted(visit: Visit) -> None:
    empty(visit.say("products.unfitted"), visit.say("products.unfitted_text"))
    with ui.element("div").classes("centered"):
        fit_button(visit, "recommend", visit.say("products.fit"))


class Asking:
    """The form of the tab Try, and its answer."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        say = visit.say
        knows_people = visit.may("people:read")
        offered = [
            name
            for name, (of_customer, _) in SURFACES.items()
            if knows_people or name not in ("customer", "buy_again")
        ]
        wanted = visit.values.get("surface", offered[0])
        with card():
            if not knows_people:
                show(paragraph(say("products.no_people"), "note"))
            with ui.element("form").classes("form").on("submit.prevent", self.ask):
                self.surface = select_field(
                    say("products.surface"),
                    {name: say(f"products.surface.{name}") for name in offered},
                    wanted if wanted in offered else offered[0],
                    self._fit_fields,
                )
                self.customer = field(say("products.customer"), visit.values.get("customer", ""))
                self.products = field(say("products.product"), visit.values.get("product", ""))
                self.k = number_field(say("products.k"), 10, 1, MOST_K)
                button(say("products.ask"), None, is_submit=True)
        self.out = ui.element("div").props('aria-live="polite"')
        self._fit_fields()

    def _fit_fields(self) -> None:
        of_customer, of_products = SURFACES[self.surface.value]
        self.customer.set_visibility(of_customer and self.visit.may("people:read"))
        self.products.set_visibility(of_products)

    def _request(self) -> Any:
        of_customer, of_products = SURFACES[self.surface.value]
        given = [one.strip() for one in str(self.products.value or "").split(",")] if of_products else []
        customer = str(self.customer.value or "").strip() if of_customer else ""
        surface = self.surface.value
        return make_requests(
            "trending" if surface == "customer" and not customer else surface,
            k=int(self.k.value or 10),
            customer_id=customer or None,
            product_ids=[one for one in given if one],
            viewed=[],
            category=None,
            location_id=None,
            customers=None,
            exclude=[],
            seed=0,
        )[0]

    async def ask(self) -> None:
        visit = self.visit
        self.out.clear()
        with self.out, card():
            is_ready = visit.house.recommender.is_ready
            waiting(visit.say("products.asking" if is_ready else "products.preparing"))
        scope = (
            "people:read"
            if str(self.customer.value or "").strip() and self.customer.visible
            else "recommend:read"
        )
        try:
            request = self._request()
        except Exception as error:  # noqa: BLE001  # the form says what is wrong with it
            self.out.clear()
            with self.out:
                failed(visit, error)
            return
        language = visit.liking.language
        await visit.house.ready_recommender()
        done, answers = await act(
            visit,
            scope,
            lambda: recommend(
                visit.house.shop, [request], language=language, held=visit.house.recommender.get()
            ),
        )
        self.out.clear()
        if done:
            with self.out:
                self._answer(request, answers[0])

    def _answer(self, request: Any, answer: Mapping[str, Any]) -> None:
        visit = self.visit
        whom = (
            visit.say("products.whom", customer=answer["customer_id"])
            if answer["customer_id"]
            else visit.say("products.visitor")
        )
        note = visit.say(
            "products.result_note", whom=whom, model=answer["model"], rules=answer["rules_version"]
        )
        with columns("wide-left"):
            with card(visit.say("products.result"), note):
                if answer["notes"]:
                    show(listed(answer["notes"], "sentences"))
                if not answer["items"]:
                    show(paragraph(visit.say("products.none"), "nothing"))
                top = max((item["score"] for item in answer["items"]), default=1.0) or 1.0
                with ui.element("ol").classes("picks"):
                    for item in answer["items"]:
                        self._item(item, top)
            with card(visit.say("products.why_not")):
                self._why_not(request)

    def _item(self, item: Mapping[str, Any], top: float) -> None:
        visit = self.visit
        name = item["name"] or item["product_id"]
        with ui.element("li"):
            show(
                Markup(
                    '<span class="rank">{}</span><div><strong>{}</strong> <code>{}</code><p>{}</p></div>{}'
                ).format(
                    item["rank"], name, item["product_id"], item["reason"] or "", meter(item["score"] / top)
                )
            )
            if visit.may("rules:write"):
                button(
                    visit.say("products.hide"),
                    lambda: self._hide(item["product_id"], name),
                    css="quiet small",
                    label=visit.say("products.hide_label", name=name),
                )

    async def _hide(self, product_id: str, name: str) -> None:
        visit = self.visit

        def work() -> RuleVersion:
            version = hide_product(visit.house.shop, product_id, name, visit.who.name)
            visit.note("rules.put", version=version.version)
            return version

        done, version = await act(visit, "rules:write", work)
        if done:
            ui.notify(visit.say("products.hidden", name=name, version=version.version), type="positive")
            await self.ask()

    def _why_not(self, request: Any) -> None:
        visit = self.visit
        with ui.element("form").classes("form") as form:
            product = field(visit.say("products.why_not_product"), "")
            button(visit.say("products.why_not_ask"), None, is_submit=True, css="quiet")
        said = ui.element("div").classes("said").props('aria-live="polite"')

        async def say_why() -> None:
            wanted = str(product.value or "").strip()
            if not wanted:
                return
            language = visit.liking.language
            done, found = await act(
                visit,
                "recommend:read",
                lambda: why_not(
                    visit.house.shop, request, wanted, language=language, held=visit.house.recommender.get()
                ),
            )
            said.clear()
            if done:
                with said:
                    show(paragraph(found["reason"]))

        form.on("submit.prevent", say_why)


def _try(visit: Visit) -> None:
    # It is being read while the person thinks of what to ask.
    background_tasks.create_lazy(visit.house.ready_recommender(), name="recommender")
    asking = Asking(visit)
    if visit.values.get("customer") and visit.may("people:read"):
        ui.timer(0, asking.ask, once=True)


def _search(visit: Visit) -> None:
    with card("", ""):
        with ui.element("form").classes("form") as form:
            query = field(visit.say("search.query"), "")
            button(visit.say("search.ask"), None, is_submit=True)
        show(paragraph(visit.say("search.note"), "note"))
    out = ui.element("div").props('aria-live="polite"')

    async def ask() -> None:
        text = str(query.value or "").strip()
        if not text:
            return
        done, found = await act(visit, "recommend:read", lambda: search(visit.house.shop, text, 20))
        out.clear()
        if not done:
            return
        speech = visit.speech
        with out, card(text):
            if not found["items"]:
                show(paragraph(visit.say("search.none"), "nothing"))
                return
            shown = [
                Column("name", visit.say("search.product")),
                Column("product_id", visit.say("search.id"), is_minor=True),
                Column("brand", visit.say("search.brand"), is_minor=True),
                Column(
                    "price",
                    visit.say("search.price"),
                    lambda value: speech.money(None if value is None else float(value)),
                    is_number=True,
                ),
                Column("found_by", visit.say("search.found_by"), is_minor=True),
            ]
            table(visit, text, shown, found["items"], name="search")

    form.on("submit.prevent", ask)
