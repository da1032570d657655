from __future__ import annotations

import pytest

from transcripts.realtime.messages import Final, WireWord
from transcripts.realtime.twins import TwinMatcher


def plain(text: str) -> Final:
    return Final(text)


def timed(text: str, at: float = 0.0) -> Final:
    return Final(text, timed=True, words=(WireWord(text, at, at + 0.5),))


def replies(*messages: Final, expected: bool = True, late: tuple[Final, ...] = ()) -> list[tuple[str, bool]]:
    """(text, timed) of what comes out when messages arrive 10 ms apart and then nothing but ``late`` after 5 s."""
    matcher, now, out = TwinMatcher(timed=expected, patience_s=2.0), 0.0, []
    for message in messages:
        now += 0.01
        out += matcher.feed(message, now, 1)
    now += 5.0
    out += matcher.expire(now)
    for message in late:
        out += matcher.feed(message, now, 1)
    out += matcher.expire(now + 5.0)
    return [(reply.final.text, reply.final.timed) for reply in out]


@pytest.mark.parametrize("order", [(plain("a"), timed("a")), (timed("a"), plain("a"))])
def test_twins_in_either_order_are_one_reply(order):
    assert replies(*order) == [("a", True)]


def test_a_missing_twin_leaves_the_plain_one_after_a_while():
    assert replies(plain("a")) == [("a", False)]


def test_a_twin_that_comes_after_all_says_nothing_new():
    assert replies(plain("a"), late=(timed("a"),)) == [("a", False)]


def test_a_missing_plain_half_costs_nothing():
    assert replies(timed("a"), plain("b"), timed("b")) == [("a", True), ("b", True)]


def test_order_is_kept_when_a_twin_is_lost():
    assert replies(plain("a"), plain("b"), timed("b")) == [("a", False), ("b", True)]


def test_a_real_repeat_is_two_replies():
    assert replies(plain("yes"), timed("yes", 1), plain("yes"), timed("yes", 4)) == [("yes", True)] * 2


def test_a_doubled_plain_half_is_one_reply():
    assert replies(plain("a"), plain("a"), timed("a")) == [("a", True)]
    assert replies(plain("a"), plain("a"), timed("a"), plain("b"), timed("b")) == [("a", True), ("b", True)]


def test_a_doubled_pair_comes_out_twice_for_the_word_times_to_tell():
    assert replies(plain("a"), timed("a"), plain("a"), timed("a")) == [("a", True)] * 2


def test_without_timed_messages_every_plain_one_is_a_reply_at_once():
    matcher = TwinMatcher(timed=False, patience_s=2.0)
    assert [reply.final.text for reply in matcher.feed(plain("a"), 0.0, 1)] == ["a"]
    assert matcher.due is None


def test_it_remembers_how_many_commits_waited_when_the_final_came():
    matcher = TwinMatcher(timed=True, patience_s=2.0)
    matcher.feed(plain("a"), 0.0, 3)
    assert matcher.expire(2.0)[0].waiting == 3
    assert matcher.due is None


def test_a_plain_half_that_waits_is_known():
    matcher = TwinMatcher(timed=True, patience_s=2.0)
    matcher.feed(plain("a"), 0.0, 1)
    assert matcher.holds("a")
    assert not matcher.holds("b")
    assert matcher.due == 2.0
