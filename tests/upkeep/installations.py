"""Installations of their own, as people have them: a state folder, processes of `manage.py`, a database."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]

_FILL = """
import io
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from transcripts import services
from transcripts.jobs.source import media_store
from transcripts.models import EventKind, Membership, Role, Segment, SourceKind, State, Team, Transcript
from transcripts.models.log import Entry, append
team = Team.objects.create(name="Newsroom", keep_text_days=900)
user = User.objects.create_superuser("owner", password="horse battery staple")
Membership.objects.create(team=team, user=user, role=Role.OWNER)
session = SessionStore(); session["a"] = "b"; session.create()
for n in range(6):
    kept = media_store().store([f"sound {n} ".encode() * 5000])
    t = services.submit(team, user, services.Submission(title=f"Recording {n} é", kind=SourceKind.UPLOAD,
        media_key=kept.key, media_bytes=kept.size, media_sha256=kept.sha256), wake=False)
    append(t.pk, [Entry(EventKind.COMMIT, {"text": f"Sentence {n}.{i}"}) for i in range(30)], when={},
           changes={"segment_count": 30, "committed_samples": 480000, "crash_claims": 2, "epoch": 3,
                    "state": State.COMPLETED if n < 4 else State.RUNNING, "worker": "" if n < 4 else "gone"})
    Segment.objects.bulk_create(Segment(transcript=t, index=i, seq=i + 2, start_ms=1000 * i, end_ms=1000 * i + 900,
        text=f"Sentence {n}.{i}", words=[["w", 1, 2, 0.5]]) for i in range(30))
"""

#: A row in every table that has none, whatever models there are: what is not there cannot be missed after a restore.
_ONE_OF_EACH = """
import uuid
from django.apps import apps
from django.db import models
from django.utils import timezone
def value(field):
    if isinstance(field, models.ForeignKey):
        return one(field.remote_field.model).pk
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.DateField):
        return timezone.now().date()
    if isinstance(field, models.JSONField):
        return {"a": 1}
    if isinstance(field, models.GenericIPAddressField):
        return "192.0.2.1"
    return "x" if isinstance(field, (models.CharField, models.TextField)) else 1
def one(model):
    found = model._base_manager.first()
    if found is None:
        needed = [f for f in model._meta.concrete_fields if not (f.has_default() or f.null or
                  isinstance(f, models.AutoField) or getattr(f, "auto_now_add", False))]
        found = model(**{f.attname: value(f) for f in needed})
        model._base_manager.bulk_create([found])
    return found
for model in apps.get_models(include_auto_created=True):
    one(model)
print(*sorted(model._meta.db_table for model in apps.get_models(include_auto_created=True)))
"""

_DUMP = """
import json, hashlib
from pathlib import Path
from django.conf import settings
from django.contrib.auth.models import User
from transcripts.models import Event, Segment, Transcript
rows = {str(t.pk): [t.title, t.media_sha256, t.segment_count] for t in Transcript.objects.all()}
texts = [[str(s.transcript_id), s.index, s.text, s.words] for s in Segment.objects.order_by("transcript_id", "index")]
events = [[str(e.transcript_id), e.seq, e.kind, e.payload, e.at.isoformat()]
          for e in Event.objects.order_by("transcript_id", "seq")]
media = {str(p.relative_to(settings.STTWEB_MEDIA_DIR)): hashlib.sha256(p.read_bytes()).hexdigest()
         for p in Path(settings.STTWEB_MEDIA_DIR).rglob("*") if p.is_file()}
states = {str(t.pk): [t.state, t.epoch, t.worker, t.crash_claims] for t in Transcript.objects.all()}
print(json.dumps({"rows": rows, "texts": texts, "events": events, "media": media, "states": states,
                  "users": sorted(User.objects.values_list("username", flat=True))}))
"""


@dataclass
class Installation:
    """One state folder; ``environment`` names its database where it is not SQLite."""

    var: Path
    environment: dict[str, str] = field(default_factory=dict)

    def process(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "STTWEB_VAR": str(self.var), **self.environment}
        command = [sys.executable, str(REPOSITORY / "manage.py"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True, cwd=self.var.parent)

    def manage(self, *arguments: str, ok: bool = True) -> str:
        """Run a command; what it said. ``ok=False``: it must fail."""
        process = self.process(*arguments)
        out, err = process.communicate(timeout=120)
        assert (process.returncode == 0) is ok, out + err
        return out + err

    def shell(self, program: str) -> str:
        return self.manage("shell", "--verbosity", "0", "--command", program)

    def fill(self) -> None:
        """People, a login, four transcripts that are done and two that a worker is at."""
        self.manage("migrate", "--verbosity", "0")
        self.shell(_FILL)

    def one_of_each(self) -> list[str]:
        """Put a row into every table of a model that has none; the names of all of them."""
        return self.shell(_ONE_OF_EACH).split()

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """All rows of a table, in an order that does not depend on where they are."""
        return sorted(self.sqlite(f'select * from "{name}"'), key=repr)

    def content(self) -> dict[str, Any]:
        """Everything that a backup must bring back."""
        read: dict[str, Any] = json.loads(self.shell(_DUMP))
        return read

    def sqlite(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.var / "sttweb.sqlite3") as connection:
            rows = connection.execute(query).fetchall()
        connection.close()
        return rows
