"""The benchmark of the command line runs, and reports what it has measured."""

import pytest

from benchmarks.tool import Figure, figures, report


@pytest.mark.thorough
def test_everything_is_measured() -> None:
    found = list(figures(tree=3, app=8, runs=1))
    assert [each.name for each in found] == [
        "--help",
        "check, an app of 8 files",
        "migrate, an app of 8 files",
        "check, with 3 files more",
    ]
    assert all(each.seconds > 0 and each.processor > 0 and each.megabytes > 1 for each in found)


def test_figures_are_a_table() -> None:
    figure = Figure("check", seconds=0.25, processor=0.2, goal=0.5, megabytes=40)
    heading, line = report([figure]).splitlines()
    assert len(heading) == len(line)
    assert line.split() == ["check", "0.25", "0.20", "0.5", "40", "MB"]
