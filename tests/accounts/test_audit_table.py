"""The table of docs/security.md and the acts of the record are the same, and each act is recorded somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from transcripts.models import Act

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_documented_acts_are_the_acts() -> None:
    text = (REPOSITORY / "docs" / "security.md").read_text(encoding="utf-8")
    table = text.partition("## The audit record")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in table.splitlines() if line.startswith("|")]
    assert set(re.findall(r"`([a-z_]+)`", " ".join(rows))) == set(Act.values)


def test_every_act_is_recorded_by_some_module() -> None:
    modules = [path for path in (REPOSITORY / "transcripts").rglob("*.py") if path.name != "audit.py"]
    used = set(re.findall(r"\bAct\.([A-Z_]+)", "".join(path.read_text(encoding="utf-8") for path in modules)))
    assert {act.name for act in Act} - used == set()
