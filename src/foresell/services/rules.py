"""The rules of recommending that a shop has in force: load, list, check and clear them, with who and when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from foresell.contracts.errors import InputError, NotFoundError
from foresell.services.shop import Shop

if TYPE_CHECKING:
    from foresell.predict.recommend.rules.examining import RuleTouch
    from foresell.predict.recommend.rules.rule import Rule
    from foresell.store.state import RuleSet

TO_LIST = "`foresell rules history` lists all."


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """One version of the rules. `text`: the TOML as it was loaded; empty: the rules were cleared."""

    version: int
    text: str
    made_by: str
    note: str
    made_at: datetime
    num_rules: int
    is_in_force: bool

    def as_record(self) -> dict[str, object]:
        """JSON-ready, without the text; times in ISO 8601, UTC."""
        return {
            "version": self.version,
            "made_at": self.made_at.isoformat(),
            "made_by": self.made_by,
            "note": self.note,
            "num_rules": self.num_rules,
            "is_in_force": self.is_in_force,
        }


def load_rules(shop: Shop, path: Path, by: str, note: str = "") -> RuleVersion:
    """Put the rules of a file in force, in the place of those before, which stay in the history.

    Raises NotFoundError for a missing file, InputError for rules that cannot be read (nothing is changed
    then), for a file without any rule, and where `by` says nobody.
    """
    from foresell.predict.recommend.rules.reading import text_of

    return put_rules(shop, text_of(path), path.name, by, note)


def put_rules(shop: Shop, text: str, name: str, by: str, note: str = "") -> RuleVersion:
    """As `load_rules`, from a text; `name`: what errors call it."""
    from foresell.predict.recommend.rules.reading import rules_from_text

    _require_somebody(by)
    if not rules_from_text(text, name, shop.settings.store.time_zone):
        raise InputError(
            f"{name} holds no rule", do="Write [[rules]]; `foresell rules clear` takes all rules away."
        )
    added = shop.folder.state.add_rule_set(text, by.strip(), note.strip())
    return _version(added, added.version)


def clear_rules(shop: Shop, by: str, note: str = "") -> RuleVersion:
    """Take all rules out of force, as a version of its own; what needs no rule holds on."""
    _require_somebody(by)
    added = shop.folder.state.add_rule_set("", by.strip(), note.strip())
    return _version(added, added.version)


def current_rules(shop: Shop) -> tuple[int, "tuple[Rule, ...]"]:
    """The version in force and its rules; (0, ()) where there never were any."""
    sets = shop.folder.state.rule_sets()
    return (sets[-1].version, _rules(shop, sets[-1])) if sets else (0, ())


def history(shop: Shop) -> list[RuleVersion]:
    """Every version, oldest first."""
    sets = shop.folder.state.rule_sets()
    return [_version(found, sets[-1].version) for found in sets]


def show_rules(shop: Shop, version: int | None = None) -> RuleVersion:
    """One version with its text; None: the one in force. NotFoundError where there is none."""
    found = history(shop)
    if not found:
        raise NotFoundError(
            "This shop has no rules", do="Load some: foresell rules load rules.toml --by NAME."
        )
    wanted = found[-1].version if version is None else version
    for one in found:
        if one.version == wanted:
            return one
    raise NotFoundError(f"There is no version {wanted} of the rules", do=TO_LIST)


def check_rules(shop: Shop, path: Path | None = None, at: datetime | None = None) -> "tuple[RuleTouch, ...]":
    """What each rule of a file (None: of those in force) would touch now, with warnings; nothing is changed.

    Errors as of `read_rules`.
    """
    from foresell.predict.recommend.assortment import read_assortment
    from foresell.predict.recommend.rules.examining import examine
    from foresell.predict.recommend.rules.reading import read_rules

    rules = current_rules(shop)[1] if path is None else read_rules(path, shop.settings.store.time_zone)
    moment = at or datetime.now(UTC)
    with shop.reading() as tables:
        return examine(rules, read_assortment(tables, moment), moment)


def _rules(shop: Shop, found: "RuleSet") -> "tuple[Rule, ...]":
    from foresell.predict.recommend.rules.reading import rules_from_text

    return rules_from_text(found.text, f"version {found.version} of the rules", shop.settings.store.time_zone)


def _version(found: "RuleSet", newest: int) -> RuleVersion:
    import tomllib

    # Counted without being read: one that an older Foresell understood still has its place in the history.
    num_rules = len(tomllib.loads(found.text).get("rules", []))
    return RuleVersion(
        found.version,
        found.text,
        found.made_by,
        found.note,
        found.made_at,
        num_rules,
        found.version == newest,
    )


def _require_somebody(by: str) -> None:
    if not by.strip():
        raise InputError("Nobody is named who wants these rules", do="Add --by NAME.")
