"""What layers without a language say is known to the translators, and is said in the language of whoever reads it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from django.utils import translation

from transcripts import phrases
from transcripts.exports import FORMATS
from transcripts.sentences import NAMES, PATTERNS, SENTENCES

ROOT = Path(__file__).resolve().parent.parent / "transcripts"
#: A whole sentence, as people are told them; words for operators and developers begin small or say less.
SENTENCE = re.compile(r"[A-Z{][^\n]* [^\n]*[.!?]")
#: Not said to people: a setting that cannot be, put together of sentences that are listed, or not ended.
ELSEWHERE = ("{} It then goes on by itself.", "The HLS playlist {}.", "Must be between {} and {}{}.",
             "A transcript cannot go from {} to {}.")  # fmt: skip


def sources() -> list[Path]:
    layers = [path for layer in ("media", "jobs", "realtime") for path in sorted((ROOT / layer).rglob("*.py"))]
    return [*layers, ROOT / "models" / "states.py"]


def spoken(path: Path) -> Iterator[str]:
    """The sentences in a module that are no docstrings; ``{}`` for what is put into one."""
    tree = ast.parse(path.read_text())
    every = list(ast.walk(tree))
    passed = {id(node.value) for node in every if isinstance(node, ast.Expr)}
    passed |= {id(part) for node in every if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in every:
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            text = node.value
        else:
            continue
        if SENTENCE.fullmatch(text):
            yield text


def test_every_sentence_of_the_layers_below_is_listed_once():
    told = {text for path in sources() if path.name != "endpoint.py" for text in spoken(path)}
    shapes = {re.sub(r"%\(\w+\)s", "{}", pattern) for pattern in PATTERNS}
    whole = {text for text in told if "{}" not in text}
    assert whole - set(SENTENCES) == set()
    assert set(SENTENCES) - whole == set()
    assert len(set(SENTENCES)) == len(SENTENCES)
    put_together = {text for text in told if "{}" in text and not text.startswith("{} ")}
    assert put_together - shapes - set(ELSEWHERE) == set()


def test_every_format_of_the_exports_has_its_name_listed():
    assert [kind.label for kind in FORMATS.values()] == list(NAMES)


@pytest.fixture
def norwegian(settings, tmp_path):
    """A language with two of the sentences."""
    catalog = Catalog(locale="nb")
    catalog.add("No recording was found on this page.", "Ingen opptak ble funnet på siden.")
    catalog.add("The server answered with status %(status)s.", "Tjeneren svarte med status %(status)s.")
    folder = tmp_path / "nb" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "django.mo").open("wb") as file:
        write_mo(file, catalog)
    settings.LOCALE_PATHS = [tmp_path]
    with translation.override("nb"):
        yield


def test_a_sentence_is_said_in_the_language_of_the_reader(norwegian):
    assert phrases.say("No recording was found on this page.") == "Ingen opptak ble funnet på siden."
    assert phrases.say("The server answered with status 418.") == "Tjeneren svarte med status 418."
    assert phrases.say("Written by somebody else.") == "Written by somebody else."
    assert phrases.say("") == ""
    assert phrases.table()["No recording was found on this page."] == "Ingen opptak ble funnet på siden."


def test_in_english_nothing_is_looked_up_and_nothing_is_sent():
    assert phrases.say("The server answered with status 418.") == "The server answered with status 418."
    assert phrases.table() == {}
    assert phrases.say_all("One.", "", "Two.") == "One. Two."
