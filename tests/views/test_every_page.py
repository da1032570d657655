"""Every page and state of `bench.screenshots`, looked at by axe in both themes, at 200 % zoom and on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from axe_playwright_python.async_playwright import Axe

from bench.screenshots import scenes
from bench.stage import Stage
from tests.views.browsing import in_browser, product  # noqa: F401 - a fixture
from transcripts.live import publish

pytestmark = in_browser

#: Scenes are spread over so many tests, each with a browser of its own.
PARTS = 6
LOUD = {"serious", "critical"}
#: 1280 px at 200 %, and a small phone.
NARROW = (640, 360)
#: What is cut by the edge of the window, or by a box that does not scroll.
CUT = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  const all = document.querySelectorAll("button, a, input, select, textarea, summary, h1, h2, label");
  const cut = [...all].filter(element => {
    const box = element.getBoundingClientRect();
    if (!box.width || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) return false;
    if (element.closest(".visually-hidden, .skip, .status-scroll, .filters, #flags")) return false;
    return box.left < -1 || box.right > innerWidth + 1;
  });
  return [...(wide > 0 ? [`scrolls ${wide} px sideways`] : []), ...cut.map(element => element.outerHTML.slice(0, 120))];
}"""


#: The theme changes nothing but colours, so the second one is asked only for what axe says of these.
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}


#: What a narrow page may do worse than a wide one; asked of the pages where people work all day.
OF_LAYOUT = {"runOnly": ["target-size", "scrollable-region-focusable"]}
WORKED_ON = ("session", "captions", "review", "library", "export", "arabic")


async def judge(page: Any, only: dict[str, list[str]] | None = None) -> list[str]:
    """What axe finds that is serious or critical; of all its rules, or only of some."""
    found = await Axe().run(page, options={"resultTypes": ["violations"], **(only or {})})
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]} | {' '.join(node['failureSummary'].split())[:300]}"
        for rule in found.response["violations"]
        if rule["impact"] in LOUD
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("part", range(PARTS))
async def test_no_page_has_a_serious_finding_or_is_cut(product, part):  # noqa: F811
    stage = await sync_to_async(Stage)()
    await sync_to_async(stage.fill)()
    problems = []
    for name, path, person, prepare in scenes(stage, publish)[part::PARTS]:
        page = await product.visit(person, path)
        if prepare is not None:
            await prepare(page)
        for scheme, only in (("light", {}), ("dark", OF_COLOURS)):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            problems += [f"{name}, {scheme}: {what}" for what in await judge(page, only)]
        for width in NARROW:
            await page.set_viewport_size({"width": width, "height": 800})
            problems += [f"{name}, {width} px: {what}" for what in await page.evaluate(CUT)]
        if name.startswith(WORKED_ON):
            problems += [f"{name}, {NARROW[-1]} px: {what}" for what in await judge(page, OF_LAYOUT)]
        await page.close()
    assert problems == [], "\n" + "\n".join(problems)
