"""How strings are compared: which letters are one letter in two cases, in all of Unicode."""

import sys
from collections import defaultdict

import pytest

from fastapi_users_db.comparison import differs_only_by_case

LETTERS = [chr(number) for number in range(sys.maxunicode + 1)]
"""Everything that can stand alone in a string, lone surrogates too."""


def mapped(letter: str) -> set[str]:
    """What any of Unicode's case mappings makes of a letter."""
    return {letter.lower(), letter.upper(), letter.title(), letter.casefold()}


def test_letters_are_the_same_where_each_is_the_others_other_case() -> None:
    for letter in LETTERS:
        for other in mapped(letter) - {letter}:
            is_pair = (letter.lower() == other and other.upper() == letter) or (
                letter.upper() == other and other.lower() == letter
            )
            assert differs_only_by_case(letter, other) is is_pair, (letter, other)
            assert differs_only_by_case(other, letter) is is_pair, (letter, other)
    assert all(differs_only_by_case(letter, letter) for letter in LETTERS[::1000])


def test_letter_has_one_other_case_at_most_and_ascii_stays_among_itself() -> None:
    # Whatever any mapping takes for the same, directly or by way of a third letter.
    alike: dict[str, set[str]] = defaultdict(set)
    for letter in LETTERS:
        for other in mapped(letter) - {letter}:
            alike[other] |= {other, letter}
            alike[letter] |= {other, letter}
    for letter in filter(alike.__contains__, LETTERS):
        candidates = set().union(*(alike[other] for other in alike[letter])) - {letter}
        same = [other for other in candidates if differs_only_by_case(letter, other)]
        assert len(same) <= 1, (letter, same)
        assert all(other.isascii() == letter.isascii() for other in same)


@pytest.mark.parametrize(
    ("sign", "letter"),
    [
        ("\N{ANGSTROM SIGN}", "\N{LATIN SMALL LETTER A WITH RING ABOVE}"),
        ("\N{OHM SIGN}", "\N{GREEK SMALL LETTER OMEGA}"),
        ("\N{GREEK CAPITAL THETA SYMBOL}", "\N{GREEK SMALL LETTER THETA}"),
        ("\N{LATIN CAPITAL LETTER SHARP S}", "\N{LATIN SMALL LETTER SHARP S}"),
        ("\N{KELVIN SIGN}", "k"),
        ("\N{LATIN SMALL LETTER DOTLESS I}", "I"),
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i"),
        ("\N{LATIN SMALL LETTER LONG S}", "S"),
        ("\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK CAPITAL LETTER SIGMA}"),
        ("\N{MICRO SIGN}", "\N{GREEK CAPITAL LETTER MU}"),
    ],
)
def test_sign_that_looks_alike_is_another_letter(sign: str, letter: str) -> None:
    for one, other in ((sign, letter), (letter, sign)):
        assert not differs_only_by_case(f"a{one}b@example.com", f"A{other}b@example.com")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anne@example.com", "ANNE@Example.COM"),
        ("\N{LATIN SMALL LETTER A WITH RING ABOVE}", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}"),
        ("\N{GREEK SMALL LETTER OMEGA}", "\N{GREEK CAPITAL LETTER OMEGA}"),
        ("\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK CAPITAL LETTER SIGMA}"),
        ("\N{CYRILLIC SMALL LETTER ZHE}", "\N{CYRILLIC CAPITAL LETTER ZHE}"),
        ("\N{DESERET SMALL LETTER LONG I}", "\N{DESERET CAPITAL LETTER LONG I}"),
        ("\N{LATIN SMALL LETTER SHARP S}", "\N{LATIN SMALL LETTER SHARP S}"),
    ],
)
def test_letters_in_two_cases_are_the_same(one: str, other: str) -> None:
    assert differs_only_by_case(one, other)
    assert differs_only_by_case(other, one)


@pytest.mark.parametrize("other", ["", "ANN", "ANNES", "anne ", "an\N{COMBINING DIAERESIS}ne"])
def test_addresses_of_another_length_are_others(other: str) -> None:
    assert not differs_only_by_case("anne", other)
    assert not differs_only_by_case(other, "anne")
