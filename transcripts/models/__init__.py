"""What is kept. One file per noun; import from here."""

from transcripts.models.alert import Hit, LogCursor, LogWatermark, Watchlist
from transcripts.models.apitoken import ApiToken
from transcripts.models.audiostream import AudioStream
from transcripts.models.audit import Act, AuditEntry
from transcripts.models.bucket import TokenBucket
from transcripts.models.captionlink import CaptionLink
from transcripts.models.comment import Comment
from transcripts.models.erasure import Erased, Erasure, Why
from transcripts.models.event import AppendOnly, Event, EventKind
from transcripts.models.flag import Flag, FlagKind, FlagState, Scan
from transcripts.models.invitation import Invitation
from transcripts.models.preset import TeamPreset
from transcripts.models.provider import ProviderAccount, ProviderKey
from transcripts.models.remembered import Remembered
from transcripts.models.review import EditLock, How, Review, ReviewState, Revision
from transcripts.models.searchindex import connect as _keep_search_index
from transcripts.models.segment import Segment
from transcripts.models.states import ACTIVE, CLAIMABLE, FINAL, IllegalTransition, State, check_transition
from transcripts.models.submitkey import SubmitKey
from transcripts.models.tag import Tag, Tagging
from transcripts.models.team import Membership, Role, Team
from transcripts.models.transcript import Control, Engine, SourceKind, Transcript
from transcripts.models.upload import Upload
from transcripts.models.usage import LimitUnit, TeamEngine, UsageMonth, count_usage, this_month
from transcripts.models.webhook import Delivery, DeliveryState, Webhook, WebhookEvent
from transcripts.models.worker import Worker

__all__ = [
    "ACTIVE",
    "CLAIMABLE",
    "FINAL",
    "Act",
    "ApiToken",
    "AppendOnly",
    "AudioStream",
    "AuditEntry",
    "CaptionLink",
    "Comment",
    "Control",
    "Delivery",
    "DeliveryState",
    "EditLock",
    "Engine",
    "Erased",
    "Erasure",
    "Event",
    "EventKind",
    "Flag",
    "FlagKind",
    "FlagState",
    "Hit",
    "How",
    "IllegalTransition",
    "Invitation",
    "LimitUnit",
    "LogCursor",
    "LogWatermark",
    "Membership",
    "ProviderAccount",
    "ProviderKey",
    "Remembered",
    "Review",
    "ReviewState",
    "Revision",
    "Role",
    "Scan",
    "Segment",
    "SourceKind",
    "State",
    "SubmitKey",
    "Tag",
    "Tagging",
    "Team",
    "TeamEngine",
    "TeamPreset",
    "TokenBucket",
    "Transcript",
    "Upload",
    "UsageMonth",
    "Watchlist",
    "Webhook",
    "WebhookEvent",
    "Why",
    "Worker",
    "check_transition",
    "count_usage",
    "this_month",
]

_keep_search_index()
