"""Tags: one for all spellings of a name, each team its own, merged by renaming."""

from __future__ import annotations

import pytest

from transcripts import tagging
from transcripts.models import Tag, Tagging
from transcripts.models.tag import tag_name

pytestmark = pytest.mark.django_db


def names(transcript) -> list[str]:
    return [tag.name for tag in Tag.objects.filter(taggings__transcript=transcript)]


def test_all_spellings_of_a_name_are_one_tag(make_transcript):
    row = make_transcript()
    for spelling in ("Straße", " STRASSE ", "strasse\n"):
        tagging.put([row], spelling)
    assert names(row) == ["Straße"]
    tagging.take([row], "STRASSE")
    assert names(row) == []
    assert Tag.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  two \t words ", "two words"),
        ("a,b", "a b"),
        ("x" * 60, "x" * 40),
        ("\u202eevil", "evil"),
        (" \n", ""),
        ("cafe\u0301", "caf\u00e9"),
    ],
    ids=["blanks", "comma", "long", "direction", "nothing", "composed"],
)
def test_a_name_is_one_short_line(typed, kept):
    assert tag_name(typed) == kept


def test_each_team_has_tags_of_its_own(make_transcript, other_team):
    ours, theirs = make_transcript(), make_transcript(team=other_team)
    made = tagging.put([ours, theirs], "news")
    assert {tag.team_id for tag in made} == {ours.team_id, other_team.pk}
    assert names(ours) == names(theirs) == ["news"]


def test_a_tag_without_a_name_is_refused_with_a_next_step(make_transcript):
    with pytest.raises(tagging.TagRefused) as refused:
        tagging.put([make_transcript()], " , ")
    assert refused.value.code == "tag_without_name"
    assert refused.value.next_step


def test_a_team_has_no_more_tags_than_anybody_finds(make_transcript, monkeypatch):
    monkeypatch.setattr(tagging, "MOST_TAGS", 1)
    row = make_transcript()
    tagging.put([row], "first")
    tagging.put([row], "FIRST")
    with pytest.raises(tagging.TagRefused) as refused:
        tagging.put([row], "second")
    assert refused.value.code == "too_many_tags"
    assert names(row) == ["first"]


def test_renaming_keeps_what_is_tagged_and_another_ones_name_merges(make_transcript):
    both, one = make_transcript(), make_transcript()
    (news,) = tagging.put([both, one], "news")
    (old,) = tagging.put([both], "old")
    assert tagging.rename(news, "News today") == news
    assert names(one) == ["News today"]
    assert tagging.rename(news, "OLD") == old
    assert names(both) == names(one) == ["old"]
    assert Tagging.objects.count() == 2


def test_a_deleted_transcript_takes_its_taggings_along(make_transcript):
    row = make_transcript()
    tagging.put([row], "news")
    row.delete()
    assert not Tagging.objects.exists()
    assert Tag.objects.get().name == "news"
