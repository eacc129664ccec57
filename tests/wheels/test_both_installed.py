"""Upstream's distribution beside the shim's, in environments: two owners of one import name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environments import uv
from tests.stacks import UPSTREAM

NAME = "fastapi-users-db-sqlalchemy"
OLD = "from fastapi_users.db import SQLAlchemyUserDatabase"
NEW = "import fastapi_users_db"


class Environment:
    """An environment with pip, as its user has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "bin" / "python"
        uv("venv", "--seed", "--python", sys.executable, folder)

    def install(self, *requirements: str | Path) -> None:
        uv("pip", "install", "--python", self.python, *requirements)

    def run(self, program: str) -> subprocess.CompletedProcess[str]:
        command = [self.python, "-I", "-c", program]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def obey(self, error: str, wheels: list[Path]) -> None:
        """Run the command that an error names, with the wheels in place of a package index."""
        [command] = re.findall(r"((?:pip uninstall [^.]* && )?pip install .*?)\. ?", error + " ")
        offline = f"--no-index --find-links {wheels[0].parent}"
        command = command.replace("pip install", f"pip install {offline}")
        command = command.replace("pip ", f"{self.python} -m pip ")
        subprocess.run(command, shell=True, check=True, capture_output=True)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    environment = Environment(tmp_path / "venv")
    environment.install(*UPSTREAM["up-7.0.0"].requirements)
    return environment


def reinstall_last(environment: Environment, last: str, wheels: list[Path]) -> None:
    upstream = f"{NAME}==7.0.0"
    first, second = ([upstream], wheels) if last == "ours" else (wheels, [upstream])
    uv("pip", "uninstall", "--python", environment.python, NAME)
    environment.install(*first)
    environment.install(*second)


@pytest.mark.parametrize("last", ["ours", "upstream's"])
def test_the_command_mends_it(last: str, environment: Environment, wheels: list[Path]) -> None:
    reinstall_last(environment, last, wheels)
    programs = [NEW, f"{OLD}\n{NEW}", f"{NEW}\n{OLD}", *[OLD] * (last == "ours")]

    errors = {environment.run(program).stderr.splitlines()[-1] for program in programs}

    [error] = errors
    assert f"{NAME} 7.0.0 and fastapi-users-db-compat are both installed" in error
    environment.obey(error, wheels)
    result = environment.run(f"{NEW}\n{OLD}\nprint(SQLAlchemyUserDatabase.__mro__)")
    assert "fastapi_users_db.adapters" in result.stdout, result.stderr


@pytest.mark.parametrize("last", ["ours", "upstream's"])
def test_what_upstream_took_along_is_put_back(
    last: str, environment: Environment, wheels: list[Path]
) -> None:
    reinstall_last(environment, last, wheels)
    uv("pip", "uninstall", "--python", environment.python, NAME)

    error = environment.run(NEW).stderr.splitlines()[-1]

    assert "are missing" in error
    environment.obey(error, wheels)
    assert environment.run(f"{OLD}\n{NEW}").returncode == 0


def test_upstream_without_the_shim_is_no_fault(
    environment: Environment, wheels: list[Path]
) -> None:
    package, _ = wheels
    environment.install(package)

    result = environment.run(f"{NEW}\n{OLD}")

    assert result.returncode == 0, result.stderr
