"""Why a value was refused, in words: what msgspec says of a type that it can't convert to."""

from __future__ import annotations

import re


def in_plain_words(error: str, what: str = "argument") -> str:
    """What msgspec says of a value, as a person would: `text: must not be empty`. `what` the unknown ones are not."""
    wrong, _, place = error.partition(" - at `$")
    field = place.rstrip("`").lstrip(".")
    for pattern, words in _WORDS_FOR:
        if found := re.fullmatch(pattern, wrong):
            values = [_type_words(one) for one in found.groups()]
            return (f"{field}: " if field else "") + words.format(*values, what=what)
    return error


def _type_words(types: str) -> str:
    return _TYPES.get(types) or " or ".join(_TYPES.get(one, one) for one in types.split(" | "))


_WORDS_FOR = (
    (r"Expected `str` of length >= 1", "must not be empty"),
    (r"Expected `str` of length >= (\d+)", "at least {} characters"),
    (r"Expected `str` of length <= (\d+)", "at most {} characters"),
    (r"Expected `array` of length <= (\d+)", "at most {} of them"),
    (r"Invalid enum value (.+)", "it can't be {}"),
    (r"Expected `\w+` > (\S+)", "must be above {}"),
    (r"Expected `\w+` < (\S+)", "must be below {}"),
    (r"Expected `\w+` >= (\S+)", "at least {}"),
    (r"Expected `\w+` <= (\S+)", "at most {}"),
    (r"Expected `str` matching regex '(.*)'", "must match {}"),
    (r"Expected `int(?: \| null)?`, got `float`", "must be a whole number"),
    (r"Expected `(.+)`, got `(.+)`", "expected is {}, not {}"),
    (r"Object missing required field `(.+)`", "{}: is missing"),
    (r"Object contains unknown field `(.+)`", "there is no {what} {}"),
)
_TYPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
    "array": "an array",
    "object": "an object",
    "str | null": "a text or null",
    "int | null": "a whole number or null",
    "bool | null": "true, false or null",
}
