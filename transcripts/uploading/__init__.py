"""What people do with uploads on their way: begin, send a part, finish, give up. And what time does: remove the stale.

The row says how much is here and is raised by compare-and-set; the bytes are written under the file's lock. Callers
have been through `access.py`; nothing here asks for rights again. Synchronous, in flat memory.
"""

from __future__ import annotations

from transcripts.uploading.beginning import Announced, begin
from transcripts.uploading.receiving import Part, finish, give_up, sweep, take
from transcripts.uploading.rows import Gone, Refused, on_their_way

__all__ = ["Announced", "Gone", "Part", "Refused", "begin", "finish", "give_up", "on_their_way", "sweep", "take"]
