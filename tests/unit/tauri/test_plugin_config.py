from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.tauri.plugin_config import read_plugin_config

GOOD: dict[str, Any] = {"endpoint": "https://x/{{current_sequence}}", "pubkey": "RW"}


def test_an_absent_section_is_not_present() -> None:
    config = read_plugin_config(None)
    assert not config.present
    assert config.require_https, "the plugin's default"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_bundle_size", 2**64 - 1),
        ("max_bundle_size", 0),
        ("require_https", False),
        ("binary_cache_policy", "keep_compatible"),
        ("confirmation_policy", "single_launch"),
        ("confirmation_policy", {"grace_period": {"max_unconfirmed_launches": 3}}),
        ("confirmation_policy", {"single_launch": None}),
        ("rollback_policy", "embedded_only"),
        ("rollback_policy", {"embedded_only": None}),
        ("max_retained_versions", 2),
        ("headers", {"Authorization": "x"}),
        ("channel", "beta"),
        ("max_retries", 0),
        ("max_retries", None),
        ("headers", None),
        ("discard_on_binary_upgrade", "unknown keys are ignored"),
    ],
)
def test_what_the_plugin_reads_is_no_mistake(key: str, value: object) -> None:
    assert read_plugin_config({**GOOD, key: value}).mistakes == ()


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("endpoint", 5, "plugins.hotswap.endpoint is 5, not a text"),
        ("pubkey", ["RW"], 'plugins.hotswap.pubkey is ["RW"], not a text'),
        ("pubkey", None, "plugins.hotswap.pubkey is not set"),
        ("max_bundle_size", -1, "is -1, not a whole number of bytes"),
        ("max_bundle_size", 1.0, "is 1.0, not a whole number"),
        ("max_bundle_size", 2**64, "not a whole number"),
        ("max_retries", True, "is true, not a whole number"),
        ("max_retries", 2**32, "not a whole number"),
        ("max_retained_versions", "2", 'is "2", not a whole number'),
        ("require_https", "false", 'is "false", not true or false'),
        ("binary_cache_policy", "discard", "discard_on_upgrade"),
        ("confirmation_policy", "grace_period", "max_unconfirmed_launches"),
        ("confirmation_policy", {"grace_period": {}}, "max_unconfirmed_launches"),
        ("confirmation_policy", {"grace_period": 3}, "max_unconfirmed_launches"),
        ("rollback_policy", 1, "latest_confirmed"),
        ("channel", ["beta"], "not a text"),
        ("headers", ["x"], "plugins.hotswap.headers is not an object of texts"),
        ("headers", {"X-Token": 5}, "plugins.hotswap.headers is not an object of texts"),
    ],
)
def test_what_the_plugin_can_not_read_is_named(key: str, value: object, says: str) -> None:
    (mistake,) = read_plugin_config({**GOOD, key: value}).mistakes
    assert mistake.key == key
    assert says in mistake.detail


def test_a_section_that_is_no_object_is_a_mistake_as_a_whole() -> None:
    (mistake,) = read_plugin_config("off").mistakes
    assert mistake.key == ""
    assert mistake.detail == 'plugins.hotswap is "off", not an object'


def test_no_header_value_is_repeated() -> None:
    config = read_plugin_config({**GOOD, "headers": {"X-Token": ["secret"]}})
    assert "secret" not in repr(config)
    assert config.header_names == ("X-Token",)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from([*GOOD, "headers", "max_retries"]), inner)
        ),
        max_leaves=8,
    )
)
def test_any_value_can_be_read(value: object) -> None:
    config = read_plugin_config(value)
    assert config.present is (value is not None)
