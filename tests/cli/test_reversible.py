"""`migrate --reversible`: what step 3 brings for a way back, and step 5 takes out again.

That the old app can read what the new one has written is shown in `tests/rolling_back`.
"""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi_users.jwt import decode_jwt, generate_jwt
from fastapi_users_db_cli.engine import STEPS, Options, Result, migrate
from fastapi_users_db_cli.rules.way_back import MARK

from tests.cli.crossing import APPS, read
from tests.docs.samples import SOURCE, load

REVERSIBLE = Options(unsafe=True, id_type="uuid", is_reversible=True)
APP = """\
from fastapi_users import BaseUserManager, models
from fastapi_users.authentication import JWTStrategy
from fastapi_users.password import get_password_hash


class UserCreate(models.BaseUserCreate):
    pass


class UserDB(models.BaseUserDB):
    pass


# The manager.
class UserManager(BaseUserManager[UserCreate, UserDB]):
    user_db_model = UserDB


ADMIN = get_password_hash("secret")


def manager(user_db):
    return UserManager(user_db)


def strategy():
    return JWTStrategy[UserCreate, UserDB](secret="x", lifetime_seconds=60)
"""


def step_3(text: str) -> Result:
    return migrate({"main.py": text}, [3], REVERSIBLE)


def kinds(result: Result, code: str) -> list[str]:
    return [each.kind for each in result.left if each.rule.code == code]


def test_helper_and_strategy_come_where_they_are_used() -> None:
    text = step_3(APP).texts["main.py"]
    assert text.count(MARK) == 2
    assert "    return UserManager(user_db, reversible_password_helper)\n" in text
    assert "    return ReversibleJWTStrategy[UserDB, uuid.UUID](secret=" in text
    # It is there before the first line that needs it.
    assert text.index("class ReversibleBcrypt(BcryptHasher)") < text.index("ADMIN =")
    assert 'ADMIN = reversible_password_helper.hash("secret")\n' in text


def test_nothing_comes_unasked() -> None:
    result = migrate({"main.py": APP}, [3], Options(unsafe=True, id_type="uuid"))
    assert "Reversible" not in result.texts["main.py"]


def test_comment_above_a_statement_stays_with_it() -> None:
    text = APP.replace("ADMIN = get_password_hash", "# The admin's.\nADMIN = get_password_hash")
    text = step_3(text).texts["main.py"]
    assert "# The admin's.\nADMIN = " in text
    assert f"\n\n\n{MARK}\nclass ReversibleBcrypt" in text


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_step_5_takes_all_of_it_out(newline: str) -> None:
    text = APP.replace("\n", newline)
    plain = Options(unsafe=True, id_type="uuid")
    there = migrate({"main.py": text}, [3], REVERSIBLE).texts
    assert there["main.py"].count("\n") == there["main.py"].count(newline)
    back = migrate(there, [5], plain).texts
    assert back == migrate({"main.py": text}, [3, 5], plain).texts


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(name, marks=[pytest.mark.thorough] if name == "lendery" else [])
        for name in sorted(path.name for path in APPS.iterdir())
    ],
)
def test_steps_one_after_another_are_all_of_them(app: str) -> None:
    texts = read(APPS / app / "before")
    whole = migrate(texts, STEPS, REVERSIBLE).texts
    assert whole == migrate(texts, STEPS, Options(unsafe=True, id_type="uuid")).texts
    for step in STEPS:
        texts = migrate(texts, [step], REVERSIBLE).texts
        assert migrate(texts, [step], REVERSIBLE).texts == texts
    assert texts == whole


def test_finished_app_needs_no_way_back() -> None:
    after = migrate({"main.py": APP}, STEPS, REVERSIBLE).texts
    assert migrate(after, [3], REVERSIBLE).texts == after


def test_manager_with_a_constructor_of_its_own_hands_the_helper_on() -> None:
    body = "    def __init__(self, user_db, shelf):\n        super().__init__(user_db=user_db)\n"
    text = APP.replace("    user_db_model = UserDB\n", f"    user_db_model = UserDB\n\n{body}")
    text = text.replace("UserManager(user_db)", "UserManager(user_db, shelf)")
    after = step_3(text).texts["main.py"]
    helper = "super().__init__(user_db=user_db, password_helper=reversible_password_helper)"
    assert helper in after
    assert "UserManager(user_db, shelf)" in after
    assert "reversible" not in migrate({"main.py": after}, [5], REVERSIBLE).texts["main.py"]


def test_manager_of_a_manager_with_a_constructor_gets_it_there() -> None:
    body = "    def __init__(self, user_db):\n        super().__init__(user_db)\n"
    text = APP.replace("    user_db_model = UserDB\n", f"    user_db_model = UserDB\n\n{body}")
    text = text.replace("ADMIN =", "class Other(UserManager):\n    pass\n\n\nADMIN =")
    result = step_3(text)
    assert result.texts["main.py"].count(", reversible_password_helper)") == 1
    assert kinds(result, "FUD902") == []


@pytest.mark.parametrize(
    "call", ["UserManager(*given)", "UserManager(**given)", "Depends(UserManager)"]
)
def test_manager_that_only_the_running_app_makes_is_left_to_a_person(call: str) -> None:
    result = step_3(APP.replace("UserManager(user_db)", call))
    assert call in result.texts["main.py"]
    assert kinds(result, "FUD902") == ["manual"]


def test_helper_that_the_app_gives_stays() -> None:
    text = APP.replace("UserManager(user_db)", "UserManager(user_db, helper)")
    assert "UserManager(user_db, helper)" in step_3(text).texts["main.py"]


def test_helper_of_another_file_is_one_of_upstreams_afterwards() -> None:
    there = step_3(APP).texts["main.py"]
    other = (
        "from main import ReversibleJWTStrategy, reversible_password_helper\n\n"
        "hashed = reversible_password_helper.hash('x')\nstrategy = ReversibleJWTStrategy('x', 1)\n"
    )
    files = {"main.py": there, "other.py": other}
    assert migrate(files, [5], REVERSIBLE).texts["other.py"] == (
        "from fastapi_users.password import PasswordHelper\n"
        "from fastapi_users.authentication import JWTStrategy\n\n"
        "hashed = PasswordHelper().hash('x')\nstrategy = JWTStrategy('x', 1)\n"
    )


def test_derived_strategy_derives_from_ours() -> None:
    derived = "class Mine(JWTStrategy):\n    pass\n\n\ndef strategy():\n    return Mine("
    text = APP.replace("def strategy():\n    return JWTStrategy[UserCreate, UserDB](", derived)
    assert "class Mine(ReversibleJWTStrategy):" in step_3(text).texts["main.py"]


def test_strategy_that_reads_tokens_itself_is_left_to_a_person() -> None:
    derived = "class Mine(JWTStrategy):\n    async def read_token(self, token, manager):\n"
    text = f"{APP}\n\n{derived}        return None\n"
    result = step_3(text)
    assert kinds(result, "FUD901") == ["manual"]
    assert "class Mine(JWTStrategy):" in result.texts["main.py"]


def test_strategy_that_a_function_imports_is_left_to_a_person() -> None:
    line = "from fastapi_users.authentication import JWTStrategy\n"
    text = APP.replace(line, "").replace("    return JWTS", f"    {line}    return JWTS")
    assert kinds(step_3(text), "FUD901") == ["manual"]


def test_strategy_of_fastapi_users_8_gets_it_too() -> None:
    line = 'jwt = JWTAuthentication(secret="x", lifetime_seconds=60)\n'
    text = APP.replace("import JWTStrategy", "import JWTAuthentication")
    text = text.partition("def strategy")[0] + line
    after = step_3(text).texts["main.py"]
    assert "get_strategy=lambda: ReversibleJWTStrategy(secret=" in after
    assert f"{MARK}\nclass ReversibleJWTStrategy(JWTStrategy[UP, ID]):" in after


def test_text_without_its_mark_is_taken_out_too() -> None:
    there = step_3(APP).texts["main.py"].replace(MARK, "# Mine.")
    after = migrate({"main.py": there}, [5], REVERSIBLE).texts["main.py"]
    assert "Reversible" not in after
    assert after.count("# Mine.") == 2


@pytest.fixture
def app(tmp_path: Path) -> Any:
    """Run the old app of the guide, as it is after step 3."""
    text = (SOURCE / "migrating" / "legacy_orm.py").read_text()
    file = tmp_path / "app.py"
    file.write_text(migrate({"app.py": text}, [1, 3], REVERSIBLE).texts["app.py"])
    return load(str(file))


pytestmark = pytest.mark.filterwarnings(
    "ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning",
    "ignore:\\s*on_event is deprecated:DeprecationWarning",
)


def test_hashes_are_those_of_the_old_side(app: Any) -> None:
    helper = app.reversible_password_helper
    hashed = helper.hash("x" * 80)
    assert hashed.startswith("$2b$")
    assert helper.verify_and_update("x" * 72, hashed) == (True, None)
    argon2 = app.PasswordHelper().hash("secret")
    is_right, new = helper.verify_and_update("secret", argon2)
    assert is_right
    assert new.startswith("$2b$")


def test_tokens_have_both_names_and_either_is_read(app: Any) -> None:
    strategy, user = app.get_jwt_strategy(), SimpleNamespace(id=uuid4())
    manager = SimpleNamespace(parse_id=UUID, get=lambda id_: asyncio.sleep(0, id_))
    audience = ["fastapi-users:auth"]

    async def read(**claims: Any) -> Any:
        token = generate_jwt({"aud": audience, **claims}, app.SECRET, 60)
        return await strategy.read_token(token, manager)

    async def check() -> None:
        data = decode_jwt(await strategy.write_token(user), app.SECRET, audience)
        assert data["sub"] == data["user_id"] == str(user.id)
        assert await read(user_id=str(user.id)) == user.id
        assert await read(sub=str(user.id)) == user.id
        assert await read() is None
        assert await strategy.read_token(None, manager) is None

    asyncio.run(check())


def test_two_of_each_in_a_file_get_it_once() -> None:
    twice = APP.replace(
        "def strategy", "other = JWTStrategy(secret='y', lifetime_seconds=60)\n\n\ndef strategy"
    ).replace(
        "def manager", "def another(user_db):\n    return UserManager(user_db)\n\n\ndef manager"
    )
    text = step_3(twice).texts["main.py"]
    assert text.count("class ReversibleJWTStrategy") == text.count("class ReversibleBcrypt(") == 1
    assert text.count("UserManager(user_db, reversible_password_helper)") == 2
    assert "other = ReversibleJWTStrategy(secret='y', " in text


def test_strategy_that_is_named_with_its_module_gets_it_too() -> None:
    text = APP.replace(
        "from fastapi_users.authentication import JWTStrategy",
        "from fastapi_users import authentication",
    ).replace("JWTStrategy[", "authentication.JWTStrategy[")
    assert "    return ReversibleJWTStrategy[UserDB, uuid.UUID](" in step_3(text).texts["main.py"]


def test_what_is_written_later_uses_what_is_there() -> None:
    later = (
        "\n\ndef later(user_db):\n"
        "    return UserManager(user_db), JWTStrategy(secret='z', lifetime_seconds=60)\n"
    )
    text = step_3(step_3(APP).texts["main.py"] + later).texts["main.py"]
    assert text.count("class ReversibleJWTStrategy") == text.count("class ReversibleBcrypt(") == 1
    assert "UserManager(user_db, reversible_password_helper), ReversibleJWTStrategy(" in text
