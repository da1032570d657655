"""How far behind the newest sound text settled."""

from __future__ import annotations

from transcripts.jobs.edge import LiveEdge


def test_nothing_is_known_before_anything_was_heard():
    assert LiveEdge().behind(1000, now=5.0) is None


def test_the_delay_counts_from_the_newest_sound_to_the_settled_text():
    edge = LiveEdge()
    edge.heard(10_000, now=100.0)
    assert edge.behind(10_000, now=101.8) == 1800


def test_sound_that_was_late_on_its_way_does_not_move_the_edge_back():
    edge = LiveEdge()
    edge.heard(10_000, now=100.0)
    edge.heard(11_000, now=104.0)
    assert edge.behind(11_000, now=104.0) == 3000


def test_text_is_never_ahead():
    edge = LiveEdge()
    edge.heard(10_000, now=100.0)
    assert edge.behind(12_000, now=100.5) == 0
