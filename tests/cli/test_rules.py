"""Each rule on what its own text and its test file say that it changes, finds, and leaves."""

import pytest
from fastapi_users_db_cli.engine import STEPS, Options, check, migrate
from fastapi_users_db_cli.rule import Finding, Rule
from fastapi_users_db_cli.rules import RULES

from fastapi_users_db import deprecation
from fastapi_users_db.deprecation import Deprecation
from tests.cli.rule_files import FOLDER, RULE_FILES, RuleFile
from tests.docs.samples import SOURCE

every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
every_file = pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.rule.code)

# The engine looks for these itself, after all the others.
OF_THE_ENGINE = ("FUD004", "FUD005")


def options(rule: Rule) -> Options:
    select = () if rule.code in OF_THE_ENGINE else (rule.code,)
    id_type = None if rule.code == "FUD003" else "uuid"
    is_renamed = rule.code == "FUD513"
    return Options(unsafe=True, select=select, id_type=id_type, is_renamed=is_renamed)


def changed(file: RuleFile, path: str, text: str) -> str:
    return migrate({**file.beside, path: text}, STEPS, options(file.rule)).texts[path]


def found(file: RuleFile, path: str, text: str) -> list[Finding]:
    texts = {**file.beside, path: text}
    if file.rule.code == "FUD004":
        left = migrate(texts, STEPS, options(file.rule)).left
    else:
        left = check(texts, STEPS, options(file.rule)).left
    return [each for each in left if each.rule is file.rule and each.source.path == path]


@every_file
def test_text_becomes_what_is_said_and_stays_so(file: RuleFile) -> None:
    for path, before, after in file.changed:
        assert found(file, path, before)
        assert changed(file, path, before) == after
        assert changed(file, path, after) == after


@every_file
def test_place_is_found_once_with_what_to_write(file: RuleFile) -> None:
    for path, text, write in file.found:
        [finding] = found(file, path, text)
        assert finding.kind in ("manual", "none")
        assert finding.write == write


@every_file
def test_what_is_not_meant_is_not_touched(file: RuleFile) -> None:
    for path, text in file.untouched:
        assert not found(file, path, text)
        if file.rule.code not in OF_THE_ENGINE:
            assert changed(file, path, text) == text


@every_file
def test_rule_has_something_to_say_and_something_to_leave(file: RuleFile) -> None:
    assert file.changed or file.found
    assert file.untouched


def test_each_file_is_of_a_rule() -> None:
    names = {f"{rule.code.lower()}.txt" for rule in RULES}
    assert {path.name for path in FOLDER.iterdir()} == names


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
    assert check({"main.py": sample.read_text()}, STEPS, options(rule)).left


def test_every_warning_names_its_rule_and_every_rule_its_warnings() -> None:
    shim = pytest.importorskip("fastapi_users_db_sqlalchemy._deprecations")
    core = [each for each in vars(deprecation).values() if isinstance(each, Deprecation)]
    warned = {(each.code, each.rule) for each in [*core, *shim.DEPRECATIONS]}
    assert {(code, rule.code) for rule in RULES for code in rule.deprecations} == warned
