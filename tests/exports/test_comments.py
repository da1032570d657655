"""What people commented, in the two formats that have a place for it: only when it is asked for."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.exports.documents import document, spoken
from tests.exports.test_formats import HOSTILE
from tests.reviewing.conftest import MakeText, make_text  # noqa: F401 - a fixture
from transcripts import exporting
from transcripts.exports import FORMATS, Options, render
from transcripts.exports.document import Remark
from transcripts.models import Transcript
from transcripts.reviewing import comments

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
W15 = "{http://schemas.microsoft.com/office/word/2012/wordml}"
ASKED = Options(comments=True)


@pytest.fixture
def text(make_text: MakeText, alice: User, bob: User) -> Transcript:  # noqa: F811
    made = make_text("The river rose.", "Nobody slept.")
    asked = comments.write(made, alice, "Which river?\nSay so.", segment=1)
    comments.answer(made, bob, asked.pk, "The Alva.")
    comments.settle(made, bob, comments.write(made, bob, "Good.", segment=0).pk)
    return made


def parts(content: bytes) -> dict[str, ElementTree.Element]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: ElementTree.fromstring(package.read(name)) for name in package.namelist()}


def words(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter(f"{W}t"))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_nobody_gets_them_who_did_not_ask(text: Transcript, name: str) -> None:
    content = exporting.export(text, name).content
    if name == "docx":
        assert "word/comments.xml" not in parts(content)
    elif name == "xlsx":
        assert "river?" not in str([*map(ElementTree.tostring, parts(content).values())])
    else:
        assert "river?" not in content.decode()


def test_json_has_them_by_their_place_with_the_answers_behind(text: Transcript) -> None:
    told = json.loads(exporting.export(text, "json", ASKED).content)["comments"]
    assert [(one["by"], one["text"], one["start_ms"], one["answers"], one["resolved"]) for one in told] == [
        ("Bob", "Good.", 0, 0, True),
        ("Alice", "Which river?\nSay so.", 10_000, 0, False),
        ("Bob", "The Alva.", 10_000, 1, False),
    ]


def test_a_part_has_its_own_comments_only(text: Transcript) -> None:
    told = json.loads(exporting.export(text, "json", Options(comments=True, end_ms=9_000)).content)["comments"]
    assert [one["text"] for one in told] == ["Good."]


def test_a_word_processor_shows_them_beside_their_paragraph(text: Transcript) -> None:
    found = parts(exporting.export(text, "docx", ASKED).content)
    boxes = {box.get(f"{W}id"): box for box in found["word/comments.xml"]}
    assert [(box.get(f"{W}author"), words(box)) for box in boxes.values()] == [
        ("Bob", "Good."), ("Alice", "Which river?Say so."), ("Bob", "The Alva."),
    ]  # fmt: skip
    beside = {
        mark.get(f"{W}id"): words(paragraph)
        for paragraph in found["word/document.xml"].iter(f"{W}p")
        for mark in paragraph.iter(f"{W}commentReference")
    }
    assert beside == {
        "0": "The river rose.", "1": "Nobody slept.", "2": "Nobody slept.",
    }  # fmt: skip
    targets = [relation.get("Target") for relation in found["word/_rels/document.xml.rels"]]
    assert targets == ["styles.xml", "comments.xml", "commentsExtended.xml"]
    overrides = [part.get("PartName") for part in found["[Content_Types].xml"]]
    assert {"/word/comments.xml", "/word/commentsExtended.xml"} <= set(overrides)


def threads(found: dict[str, ElementTree.Element]) -> dict[str, tuple[str | None, str]]:
    """What answers what, by the words of the comments, and whether it is resolved."""
    said = {box[-1].get(f"{W14}paraId"): words(box) for box in found["word/comments.xml"]}
    return {
        said[about.get(f"{W15}paraId")]: (said.get(about.get(f"{W15}paraIdParent")), about.get(f"{W15}done", ""))
        for about in found["word/commentsExtended.xml"]
    }


def test_a_word_processor_shows_answers_under_what_they_answer(text: Transcript, alice: User, bob: User) -> None:
    found = parts(exporting.export(text, "docx", ASKED).content)
    assert threads(found) == {
        "Good.": (None, "1"), "Which river?Say so.": (None, "0"), "The Alva.": ("Which river?Say so.", "0"),
    }  # fmt: skip
    asked = text.comments.get(text__startswith="Which")
    comments.answer(text, alice, asked.pk, "Sure?")
    comments.delete(text, alice, asked.pk)
    found = parts(exporting.export(text, "docx", ASKED).content)
    assert threads(found) == {"Good.": (None, "1"), "The Alva.": (None, "0"), "Sure?": ("The Alva.", "0")}


@pytest.mark.parametrize("said", HOSTILE)
def test_hostile_comments_are_well_formed_in_a_document(said: str) -> None:
    remark = Remark(0, said, said, "2026-11-22T08:00:00+00:00")
    made = replace(document(spoken("One.")), comments=(remark,))
    assert len(list(parts(render("docx", made))["word/comments.xml"])) == 1


def test_the_dialog_offers_them_and_the_link_carries_the_wish(client: Client, text: Transcript, victor: User) -> None:
    client.force_login(victor)
    page = client.get(f"/s/{text.pk}/export?format=json&comments=1").content.decode()
    assert f"/s/{text.pk}/export/json?comments=1" in page
    file = client.get(f"/s/{text.pk}/export/json?comments=1").json()
    assert len(file["comments"]) == 3
    assert "comments" not in client.get(f"/s/{text.pk}/export/json").json()
