"""Each rule on the example in its own text, and on what it must not touch."""

import pytest
from fastapi_users_db_cli.rule import Rule
from fastapi_users_db_cli.rules import RULES

from fastapi_users_db import deprecation
from fastapi_users_db.deprecation import Deprecation
from tests.cli.crossing import example, found, migrated
from tests.cli.untouched import UNTOUCHED
from tests.docs.samples import SOURCE

WITH_EXAMPLE = [rule for rule in RULES if example(rule)]
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
every_example = pytest.mark.parametrize("rule", WITH_EXAMPLE, ids=lambda rule: rule.code)


@every_example
def test_example_becomes_what_the_text_says(rule: Rule) -> None:
    sides = example(rule)
    assert sides is not None
    before, after = sides
    assert migrated(before, select=rule.code) == after


@every_example
def test_example_is_found_and_explained(rule: Rule) -> None:
    sides = example(rule)
    assert sides is not None
    findings = found(sides[0], select=rule.code)
    assert findings
    assert {finding.rule.code for finding in findings} == {rule.code}


@every_example
def test_example_is_changed_once(rule: Rule) -> None:
    sides = example(rule)
    assert sides is not None
    assert migrated(sides[1], select=rule.code) == sides[1]


@pytest.mark.parametrize("code", UNTOUCHED)
def test_what_is_not_meant_is_not_touched(code: str) -> None:
    for text in UNTOUCHED[code]:
        assert migrated(text, select=code) == text
        assert not found(text, select=code)


@every_example
def test_rule_has_something_that_it_does_not_touch(rule: Rule) -> None:
    assert UNTOUCHED[rule.code]


@every_rule
def test_rule_explains_itself(rule: Rule) -> None:
    assert rule.title[0].islower() or rule.title[0] in "`FO"
    assert rule.why.endswith(".")
    assert rule.text
    assert rule.address.endswith(f"/rules/#{rule.code.lower()}")


def test_codes_are_in_order_and_given_once() -> None:
    codes = [rule.code for rule in RULES]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("code", [code for rule in RULES for code in rule.deprecations])
def test_code_that_warns_is_found_by_the_rule(code: str) -> None:
    sample = SOURCE / "deprecations" / code.replace("-", "_") / "before.py"
    rule = next(rule for rule in RULES if code in rule.deprecations)
    assert found(sample.read_text(), select=rule.code)


def test_every_warning_names_its_rule_and_every_rule_its_warnings() -> None:
    shim = pytest.importorskip("fastapi_users_db_sqlalchemy._deprecations")
    core = [each for each in vars(deprecation).values() if isinstance(each, Deprecation)]
    warned = {(each.code, each.rule) for each in [*core, *shim.DEPRECATIONS]}
    assert {(code, rule.code) for rule in RULES for code in rule.deprecations} == warned
