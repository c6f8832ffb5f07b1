"""What `foresell serve` is told, by options and by the store's settings."""

import pytest

from foresell.cli.commands.serve import chosen
from foresell.contracts.errors import InputError
from foresell.contracts.settings import make_settings
from foresell.services.live.limits import Limits

SET = make_settings({"serve": {"port": 9000, "origins": ["https://shop.example"], "body_kilobytes": 128}})


def test_options_win_over_settings_and_settings_over_defaults() -> None:
    asked = chosen(SET, port=9100, host=None, origins=None)
    assert (asked.port, asked.host, asked.origins) == (9100, "127.0.0.1", ("https://shop.example",))


@pytest.mark.parametrize("wrong", ["shop.example", "https://shop.example/", "https://Shop.example", "*"])
def test_an_origin_that_no_browser_sends_is_refused(wrong: str) -> None:
    with pytest.raises(InputError, match="is not an origin"):
        chosen(SET, origins=[wrong])
    with pytest.raises(InputError, match="is not an origin"):
        make_settings({"serve": {"origins": [wrong]}})


def test_an_unknown_key_is_refused_with_the_closest_known_one() -> None:
    with pytest.raises(InputError, match="Did you mean 'origins'"):
        make_settings({"serve": {"origin": ["https://shop.example"]}})


def test_the_limits_are_those_of_the_settings() -> None:
    assert Limits.of(SET.serve).body_bytes == 128 * 1024
    assert Limits.of(make_settings({}).serve) == Limits()
