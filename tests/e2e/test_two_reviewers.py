"""Two people review one transcript in two browsers, from its first words to its approval, with the real engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import LIVE
from tests.e2e.test_the_thread import repeated
from tests.upkeep.installations import REPOSITORY

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(420)]

TOP = "document.activeElement.getBoundingClientRect().top"
BEN = ("ben", "correct horse battery staple")
_PEOPLE = f"""
from django.contrib.auth.models import User
from transcripts.models import Membership, Role, Team
User.objects.filter(username="owner").update(first_name="Ana")
ben = User.objects.create_user("ben", password="{BEN[1]}", first_name="Ben")
Membership.objects.create(user=ben, team=Team.objects.get(memberships__user__username="owner"), role=Role.EDITOR)
"""


@pytest.fixture
def people(address: tuple[str, str], product_folder: Path) -> None:
    """The owner is called Ana, and Ben joins as an editor."""
    environment = {**os.environ, "STTWEB_VAR": str(product_folder)}
    command = [sys.executable, str(REPOSITORY / "manage.py"), "shell", "--verbosity", "0", "--command", _PEOPLE]
    subprocess.run(command, env=environment, check=True, capture_output=True, cwd=product_folder)


def row(page: Any, index: int) -> Any:
    return page.locator(f"#seg-{index}")


def text_of(page: Any, index: int) -> str:
    said: str = row(page, index).locator("[data-slot=text]").text_content()
    return said


def opened(page: Any, index: int) -> Any:
    """The editor of a passage."""
    row(page, index).hover()
    row(page, index).locator("[data-edit]").click()
    area = row(page, index).locator("textarea")
    area.wait_for()
    return area


def grown(page: Any) -> None:
    """Wait until one more passage has come."""
    page.locator("#lines > .line").nth(page.locator("#lines > .line").count()).wait_for(state="attached")


def test_a_live_transcript_is_reviewed_by_two_and_approved(people: None, visit: Any, sample_file: Path, tmp_path: Path):
    ana = visit("/new")
    ana.set_input_files("[name=uploads]", repeated(sample_file, 60, tmp_path / "Rehearsal.wav"))
    ana.check("[name=preset][value=live]")
    ana.click(".more > summary")
    ana.fill("[name=pace]", "1")
    ana.click(".sheet-end button")
    ana.wait_for_url(re.compile(r"/s/[0-9a-f-]{36}$"))
    address = ana.url
    ana.wait_for_selector("#seg-1")
    ben = visit(address, person=BEN)
    for page in (ana, ben):
        page.wait_for_selector(LIVE, state="attached")
    heard = text_of(ana, 0)

    conflict(ana, ben, heard)
    replace(ana, ben)
    voices(ana, ben)
    talk_and_flags(ana, ben, visit, address)
    assert ben.get_attribute("#session", "data-state") == "running"
    ana.click("[data-control=stop] button")
    for page in (ana, ben):
        page.wait_for_selector("#session[data-state=completed]")
    approve(ana, ben, address)
    history(ana, ben, heard)


def conflict(ana: Any, ben: Any, heard: str) -> None:
    """Both correct the first passage while text goes on coming; nothing typed is moved or lost."""
    area = opened(ana, 0)
    area.fill("Ever tried, ever failed.")
    ben.wait_for_selector("#seg-0 [data-slot=who]:has-text('Ana is editing')")
    ana.evaluate("document.activeElement.setSelectionRange(5, 5)")
    top = ana.evaluate(TOP)
    grown(ana)
    grown(ana)
    assert area.input_value() == "Ever tried, ever failed."
    assert ana.evaluate("document.activeElement.selectionStart") == 5
    assert abs(ana.evaluate(TOP) - top) < 1
    his = opened(ben, 0)
    ben.wait_for_selector("#seg-0 .editor :text('Ana is editing')")
    his.fill("Ever tried. Ever stumbled.")
    ben.keyboard.press("Control+Enter")
    ana.wait_for_selector("#seg-0 :text('Ben saved this passage meanwhile')")
    ben.keyboard.press("Escape")
    area.focus()
    ana.keyboard.press("Control+Enter")
    both = ana.locator("#seg-0 .conflict")
    both.wait_for()
    assert "stumbled." in both.locator("[data-slot=theirs]").inner_text()
    assert "failed." in both.locator("[data-slot=mine]").inner_text()
    assert text_of(ana, 0) != heard
    both.locator("[data-act=hand]").click()
    area.fill("Ever tried, ever stumbled.")
    ana.keyboard.press("Control+Enter")
    ben.wait_for_selector("#seg-0 :text('Ever tried, ever stumbled.')")
    ana.wait_for_selector("#seg-1 textarea")
    ana.keyboard.press("Escape")


def replace(ana: Any, ben: Any) -> None:
    ana.click(".more-menu > summary")
    ana.click("#open-replace")
    ana.fill("#replace-find", "again")
    ana.fill("#replace-by", "once more")
    ana.wait_for_selector("#replace [data-slot=count]:has-text('would change')")
    ana.click("#replace [data-do]")
    ana.wait_for_selector("#replace [data-slot=count]:has-text('Changed passages')")
    ana.click("#replace >> text=Close")
    ben.wait_for_selector("#lines :text('once more')")


def voices(ana: Any, ben: Any) -> None:
    """A voice is named in the editor, and given another name everywhere in the panel."""
    opened(ana, 0)
    ana.fill("#seg-0 [name=speaker]", "Sam")
    ana.keyboard.press("Control+Enter")
    ben.wait_for_selector("#seg-0 .speaker:has-text('Sam')")
    ana.wait_for_selector("#seg-1 textarea")
    ana.keyboard.press("Escape")
    ana.fill("#speakers [name=new]", "Samuel Beckett")
    ana.click("#speakers >> text=Rename")
    ben.wait_for_selector("#seg-0 .speaker:has-text('Samuel Beckett')")


def talk_and_flags(ana: Any, ben: Any, visit: Any, address: str) -> None:
    """Ben flags a passage and comments on it; Ana steps to it on her desk, answers both, and he sees that."""
    ben.evaluate("location.hash = 'seg-1'")
    ben.wait_for_selector("#seg-1.sought")
    ben.keyboard.press("x")
    ben.wait_for_selector("#status:has-text('Flagged for others')", state="attached")
    ben.keyboard.press("m")
    ben.wait_for_selector("#comment-text:focus")
    ben.keyboard.type("Is that how he says it?")
    ben.keyboard.press("Control+Enter")
    ana.wait_for_selector("#seg-1 [data-comments]:not([hidden])")
    ana.goto(f"{address}/review")
    ana.wait_for_selector(LIVE, state="attached")
    mine = ana.locator("#flags [data-kind=person]")
    mine.wait_for()
    for _flag in range(ana.locator("#flags li").count()):
        ana.keyboard.press("v")
        if mine.locator("[aria-current]").count():
            break
    ana.wait_for_selector("#seg-1.sought")
    mine.locator("[data-answer=dismiss]").click()
    ana.wait_for_selector("#flags [data-kind=person][data-done]")
    ana.click("[data-reply]")
    ana.keyboard.type("It is.")
    ana.keyboard.press("Control+Enter")
    ben.wait_for_selector(".answers :text('It is.')")


def approve(ana: Any, ben: Any, address: str) -> None:
    """Approval makes the other window read-only at once, stamps the files, and is taken back with a reason only."""
    opened(ben, 1)
    ana.click("#standing >> text=Send to review")
    ana.wait_for_selector("#standing >> text=To review")
    ana.click(".decisions >> text=Approve")
    ben.wait_for_selector("#session[data-locked]")
    ben.locator("#seg-1 textarea").wait_for(state="detached")
    ben.wait_for_selector("#standing >> text=Approved by Ana")
    assert ben.locator("#seg-1 [data-edit]").is_hidden()
    assert "NOTE Approved by Ana on" in ben.request.get(f"{address}/export/vtt").text()
    assert ben.request.get(f"{address}/export/json").json()["review"]["by"] == "Ana"
    ana.click("#standing >> text=Reopen…")
    for reason, answer in ((" ", "Say why"), ("A name is wrong", "Reopened.")):
        if not ana.is_visible("#reopen-reason"):
            ana.click("#standing >> text=Reopen…")
        ana.fill("#reopen-reason", reason)
        ana.click("#standing form .button")
        ana.wait_for_selector(f".messages :text('{answer}')")
    ben.wait_for_selector("#session:not([data-locked])")
    ben.wait_for_selector("#standing >> text=A name is wrong")


def history(ana: Any, ben: Any, heard: str) -> None:
    """Who changed the first passage, when and how; and back to what was heard."""
    ana.locator("#seg-0 [data-history]").click()
    versions = ana.locator("#history .versions > li")
    versions.first.wait_for()
    told = versions.all_inner_texts()
    assert [("Ana" in one, "Ben" in one, "As heard" in one) for one in told][-3:] == [
        (True, False, False), (False, True, False), (False, False, True),
    ]  # fmt: skip
    assert versions.locator("time").count() == len(told)
    assert "stumbled" in versions.nth(len(told) - 2).locator("ins").first.inner_text()
    versions.last.locator("text=Restore").click()
    ben.wait_for_function(
        "(heard) => document.querySelector('#seg-0 [data-slot=text]').textContent === heard", arg=heard
    )
    assert text_of(ana, 0) == heard
