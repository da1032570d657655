"""What is pinned has no known hole, and a pin that has one is named (CONFIG-010 of the security reference)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.advisories import LIST, holes, main, pins, read, version_of

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ["requirements.lock", "requirements-dev.lock"]


@pytest.mark.parametrize("lock", LOCKS)
def test_no_pinned_package_has_a_known_hole(lock: str) -> None:
    assert holes((ROOT / lock).read_text("utf-8"), read(LIST.read_text("utf-8"))) == []


def test_every_advisory_is_of_a_package_that_is_pinned_and_read_from_the_lock() -> None:
    pinned = {name for lock in LOCKS for name, _ in pins((ROOT / lock).read_text("utf-8"))}
    advisories = read(LIST.read_text("utf-8"))
    assert {one.package for one in advisories} <= pinned
    assert all(version_of(one.fixed_in) for one in advisories)


def test_a_pin_with_a_hole_fails_the_gate_with_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "old.lock"
    lock.write_text("Daphne==4.2.1 ; python_version > '3' \\\n    --hash=sha256:00\ndjango==5.2.19 \\\n")
    assert main([str(lock)]) == 1
    said = capsys.readouterr().out
    assert "daphne 4.2.1 has CVE-2026-44545; it is fixed in 4.2.2." in said
    assert "django" not in said
    lock.write_text("daphne==4.10.0 \\\n")
    assert main([str(lock)]) == 0, "versions are numbers, not words"


def test_a_line_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="daphne CVE"):
        read("# known\ndaphne CVE-2026-44545")
