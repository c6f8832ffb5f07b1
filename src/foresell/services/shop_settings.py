"""What a shop is called and how it counts: changed while nothing depends on it yet."""

from collections.abc import Mapping

from foresell.contracts.errors import ConflictError
from foresell.contracts.settings import Settings, make_settings, settings_toml
from foresell.services.shop import Shop
from foresell.services.writing import writing

# Days are stored local to the store, and money in its currency: once there is data these stay as they are.
FIXED_BY_DATA = ("time_zone", "currency", "week_start")
FILE = "foresell.toml"


def has_data(shop: Shop) -> bool:
    """Whether anything was imported yet."""
    return any(run.kind == "import" for run in shop.folder.raw.runs())


def change_settings(shop: Shop, choices: Mapping[str, str]) -> Settings:
    """Change values of the section [store] in foresell.toml; a shop that is open keeps the old ones.

    InputError for a value that cannot be; ConflictError for what data depends on already.
    """
    from foresell.store.durable import write_durably

    with writing(shop, "settings"):
        now = shop.settings.store.model_dump()
        changed = {name: value for name, value in choices.items() if now.get(name) != value}
        fixed = [name for name in changed if name in FIXED_BY_DATA]
        if fixed and has_data(shop):
            raise ConflictError(
                f"'{fixed[0]}' cannot be changed once there is data", do="Make a new store, and import again."
            )
        tree = shop.settings.model_dump()
        fresh = make_settings({**tree, "store": {**now, **changed}})
        path = shop.folder.root / FILE
        beside = path.with_name(f".{FILE}-new")
        write_durably(beside, settings_toml(fresh).encode("utf-8"))
        beside.replace(path)
    return fresh


def choices_of_settings(language: str) -> tuple[list[str], dict[str, str]]:
    """The time zones there are, and currency → its name in a language (en, zh), both in order."""
    from babel import Locale

    from foresell.contracts.settings import time_zones

    names = Locale.parse("zh_Hans_CN" if language == "zh" else "en_US").currencies
    known = {code: f"{code} · {names[code]}" for code in sorted(names) if len(code) == 3 and code.isalpha()}
    return sorted(zone for zone in time_zones() if "/" in zone or zone == "UTC"), known
