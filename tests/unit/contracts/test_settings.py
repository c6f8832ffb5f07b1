"""Settings: one commented file, read into a frozen tree, that comes back as it was written."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from foresell.contracts.errors import InputError
from foresell.contracts.settings import (
    WEEKDAYS,
    Settings,
    is_time_zone,
    make_settings,
    read_settings,
    settings_toml,
    time_zones,
)

above_zero = st.floats(min_value=0, exclude_min=True, allow_nan=False)
TREES = st.fixed_dictionaries(
    {},
    optional={
        "store": st.fixed_dictionaries(
            {},
            optional={
                "name": st.text(st.characters(exclude_categories=["Cs"])),
                "time_zone": st.sampled_from(["UTC", "America/New_York", "Asia/Shanghai", "Europe/Berlin"]),
                "currency": st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3),
                "week_start": st.sampled_from(WEEKDAYS),
                "language": st.sampled_from(["en", "zh"]),
            },
        ),
        "engine": st.fixed_dictionaries(
            {},
            optional={
                "memory_limit": st.sampled_from(["512MB", "2GB", "1.5GB"]),
                "threads": st.integers(0, 512),
            },
        ),
        "privacy": st.fixed_dictionaries({}, optional={"keep_originals": st.booleans()}),
        "quality": st.fixed_dictionaries(
            {},
            optional={
                "robust_z_limit": above_zero,
                "iqr_factor": above_zero,
                "missing_rate_limit": st.floats(0, 1),
            },
        ),
        "recommend": st.fixed_dictionaries(
            {}, optional={"half_life_days": above_zero, "k": st.integers(1, 1000)}
        ),
        "forecast": st.fixed_dictionaries({}, optional={"horizon_weeks": st.integers(1, 104)}),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tree=TREES)
def test_a_written_file_reads_back_as_the_same_tree(tree: dict[str, Any], tmp_path: Path) -> None:
    chosen = make_settings(tree)
    path = tmp_path / "foresell.toml"
    path.write_text(settings_toml(chosen), encoding="utf-8", newline="")
    assert read_settings(path) == chosen


def test_the_file_explains_every_key() -> None:
    lines = settings_toml(Settings()).splitlines()
    keys = [position for position, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert keys
    assert all(lines[position - 1].startswith("# ") for position in keys)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "foresell.toml"
    path.write_text("", encoding="utf-8")
    assert read_settings(path) == Settings()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[stroe]", "Did you mean 'store'"),
        ("[store]\ntimezone = 'UTC'", "Did you mean 'time_zone'"),
        ("store = 3", "[store] must be a section"),
        ("[store]\ntime_zone = 'New York'", "IANA time zone"),
        ("[store]\ncurrency = 'usd'", "store.currency"),
        ("[engine]\nthreads = -1", "engine.threads"),
        ("[engine]\nmemory_limit = '2 gigabytes'", "engine.memory_limit"),
        ("[store\n", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_with_what_would_be_right(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "foresell.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_settings(path)
    assert expected in caught.value.message
    assert str(path) in caught.value.message


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "foresell.toml"
    path.write_bytes("[store]\nname = 'Café'".encode("latin-1"))
    with pytest.raises(InputError, match="is not valid TOML"):
        read_settings(path)


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError):
        Settings().store.name = "other"  # type: ignore[misc]


def test_comments_and_tables_are_plain_toml() -> None:
    tree = tomllib.loads(settings_toml(Settings()))
    assert set(tree) == set(Settings.model_fields)


def test_a_time_zone_is_known_without_the_list_of_all() -> None:
    assert [zone for zone in time_zones() if not is_time_zone(zone)] == []
    none = (
        "",
        "Europe",
        "europe/berlin",
        "../UTC",
        "posixrules",
        "posix/UTC",
        "tzdata.zi",
        "a\0",
    )
    assert [name for name in none if is_time_zone(name) or name in time_zones()] == []
