"""All settings of sttweb: one file, read from the environment, with defaults that work on a fresh machine.

`#:` lines say what an option does; docs/configuration.md lists the same options for people who run it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_email_url
from django.core.exceptions import ImproperlyConfigured

from sttweb import accounts, policy
from sttweb.databases import caches, database
from sttweb.env import env, persistent_secret, secret, several, state_folder
from sttweb.logs import secret_parts

BASE_DIR = Path(__file__).resolve().parent.parent

env.read_env(str(BASE_DIR / ".env"), recurse=False)

# --- Where things live ---------------------------------------------------------------------------------------------

#: The one folder that holds all state: database, media, spool, converted models, secret key.
STTWEB_VAR = state_folder("STTWEB_VAR", env.str("STTWEB_VAR", str(BASE_DIR / "var")))

#: Recordings people uploaded (move to shared storage when workers run on several hosts).
STTWEB_MEDIA_DIR = Path(env.str("STTWEB_MEDIA_DIR", str(STTWEB_VAR / "media")))
#: Copies of fetched files, kept while a job may have to resume.
STTWEB_SPOOL_DIR = Path(env.str("STTWEB_SPOOL_DIR", str(STTWEB_VAR / "spool")))
#: Converted weights of the embedded engine.
STTWEB_ENGINE_DIR = Path(env.str("STTWEB_ENGINE_DIR", str(STTWEB_VAR / "engine")))

# --- Where it listens ----------------------------------------------------------------------------------------------

#: Address and port of `manage.py up`. Loopback until told otherwise.
STTWEB_BIND = env.str("STTWEB_BIND", "127.0.0.1")
STTWEB_PORT = env.int("STTWEB_PORT", 8000)
#: Full origins under which people reach it, such as https://captions.example.org (comma separated).
STTWEB_ORIGINS: list[str] = env.list("STTWEB_ORIGINS", [])

LOOPBACK_BINDS = {"127.0.0.1", "::1", "localhost"}
DEBUG = env.bool("STTWEB_DEBUG", False)
if DEBUG and STTWEB_BIND not in LOOPBACK_BINDS:
    raise ImproperlyConfigured("STTWEB_DEBUG is refused together with a public STTWEB_BIND: it would show the inside.")

SECRET_KEY = secret("SECRET_KEY") or persistent_secret(STTWEB_VAR / "secret_key")
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5:
    raise ImproperlyConfigured(
        "SECRET_KEY is shorter than 50 characters or no secret; leave it out, or make one at random."
    )
#: What seals the secrets in the database (provider keys, webhook secrets), separated by commas or white space: the
#: first seals, every one opens. Outside the database, and in no backup unless it is asked for.
STTWEB_MASTER_KEYS = several(secret("STTWEB_MASTER_KEYS") or persistent_secret(STTWEB_VAR / "master_keys"))
if any(len(key) < 32 for key in STTWEB_MASTER_KEYS):
    raise ImproperlyConfigured("A key in STTWEB_MASTER_KEYS is shorter than 32 characters; make one at random.")
LOCAL_ORIGINS = [f"http://{host}:{STTWEB_PORT}" for host in ("127.0.0.1", "localhost", "[::1]")]
#: Origins that may open our WebSockets and post forms; never a wildcard.
TRUSTED_ORIGINS = [origin.rstrip("/") for origin in STTWEB_ORIGINS] or LOCAL_ORIGINS
ALLOWED_HOSTS: list[str] = env.list("STTWEB_HOSTS", []) or [
    urlsplit(origin).netloc.removesuffix(f":{urlsplit(origin).port}") for origin in TRUSTED_ORIGINS
]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("STTWEB_HOSTS may not hold '*': every website could then open our sockets.")
CSRF_TRUSTED_ORIGINS = [origin for origin in TRUSTED_ORIGINS if "://" in origin]

#: Served behind HTTPS: secure cookies, HSTS and redirects are on. True as soon as an https origin is named.
STTWEB_HTTPS = env.bool("STTWEB_HTTPS", any(origin.startswith("https://") for origin in STTWEB_ORIGINS))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = STTWEB_HTTPS
SECURE_SSL_REDIRECT = env.bool("STTWEB_SSL_REDIRECT", STTWEB_HTTPS)
# Monitors ask this process, not the proxy before it.
SECURE_REDIRECT_EXEMPT = [r"^(readyz|metrics)$"]
SECURE_HSTS_SECONDS = env.int("STTWEB_HSTS_SECONDS", 31_536_000 if STTWEB_HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = STTWEB_HTTPS
#: A proxy of ours writes X-Forwarded-Proto and the last entry of X-Forwarded-For.
STTWEB_BEHIND_PROXY = env.bool("STTWEB_BEHIND_PROXY", STTWEB_HTTPS)
if STTWEB_BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- The application -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "transcripts",
]
MIDDLEWARE = [
    "sttweb.health.Alive",
    "sttweb.visiting.visitor",
    "transcripts.api.shape.shaped",
    "django.middleware.security.SecurityMiddleware",
    "sttweb.static.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "sttweb.visiting.permissions",
    "sttweb.visiting.personal",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "sttweb.urls"
ASGI_APPLICATION = "sttweb.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "transcripts.views.shell.shell",
            ],
        },
    },
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "board"
LOGOUT_REDIRECT_URL = "login"
#: Rate limits, e-mail as name and second factors come with it; permissions are Django's own.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Scrypt", "PBKDF2")]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
#: Languages of the pages; each but English has its catalogue in LOCALE_PATHS.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = env.str("STTWEB_TIME_ZONE", "UTC")

STATIC_URL = "static/"
STATIC_ROOT = STTWEB_VAR / "static"
# WhiteNoise warns about a folder that is not there, and warnings are errors.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
#: Served from the source folders: nothing to collect before the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600

CONTENT_SECURITY_POLICY = policy.of_pages()

# --- Database ------------------------------------------------------------------------------------------------------

DATABASE_URL = secret("DATABASE_URL")
#: Most database connections one process opens to PostgreSQL: a thread and a connection for each session, and some.
STTWEB_DB_POOL = env.int("STTWEB_DB_POOL", 20)
#: SQLite waits for the disk at every commit: nothing written is lost when the power fails, for some milliseconds each.
STTWEB_SQLITE_FULL = env.bool("STTWEB_SQLITE_FULL", False)

CACHES = caches()
# CONN_MAX_AGE stays 0: Django's own advice under ASGI; on PostgreSQL the pool does the keeping.
DATABASES = {"default": database(DATABASE_URL, STTWEB_VAR, pool=STTWEB_DB_POOL, full=STTWEB_SQLITE_FULL)}

# --- Channel layer: a doorbell, never the truth --------------------------------------------------------------------

REDIS_URL = secret("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": 1000, "expiry": 30},
    }
}
if REDIS_URL:
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            # redis-py 8 times a blocking read out after 5 s, just when the layer's own wait ends; name all three.
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_timeout": 20,
                    "socket_connect_timeout": 5,
                    "health_check_interval": 30,
                }
            ],
            "prefix": env.str("STTWEB_REDIS_PREFIX", "sttweb"),
            "capacity": 1000,
            "expiry": 30,
        },
    }

# --- Mail ----------------------------------------------------------------------------------------------------------

#: Where mail is handed in, such as smtp+tls://user:password@mail.example.org:587; empty: this server sends none.
STTWEB_MAIL_URL = secret("STTWEB_MAIL_URL")
#: From whom it comes.
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("STTWEB_MAIL_FROM", "sttweb@localhost")
_mail = dj_email_url.parse(STTWEB_MAIL_URL or "dummy://")
EMAIL_BACKEND, EMAIL_FILE_PATH = _mail["EMAIL_BACKEND"], _mail["EMAIL_FILE_PATH"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"], _mail["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"], _mail["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail["EMAIL_USE_TLS"], _mail["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10

# --- Accounts ------------------------------------------------------------------------------------------------------

#: Anybody may make an account (without a team); closed, an invitation opens it for one person.
STTWEB_SIGNUP = env.bool("STTWEB_SIGNUP", False)
globals().update(accounts.options(mail=bool(STTWEB_MAIL_URL), signup=STTWEB_SIGNUP, https=STTWEB_HTTPS))
#: Addresses for the limits: as in sttweb.visiting, the last entry that our own proxy wrote.
ALLAUTH_TRUSTED_PROXY_COUNT = int(STTWEB_BEHIND_PROXY)
#: Sign-on by OpenID Connect: the provider's address (issuer), and what it calls this server; empty: off.
STTWEB_OIDC_ISSUER = env.str("STTWEB_OIDC_ISSUER", "")
STTWEB_OIDC_CLIENT_ID = env.str("STTWEB_OIDC_CLIENT_ID", "")
STTWEB_OIDC_CLIENT_SECRET = secret("STTWEB_OIDC_CLIENT_SECRET")
#: How the button names it.
STTWEB_OIDC_NAME = env.str("STTWEB_OIDC_NAME", "Single sign-on")
#: E-mail domains (verified by the provider) whose people join the team STTWEB_OIDC_TEAM (its id) as viewers.
STTWEB_OIDC_DOMAINS: list[str] = env.list("STTWEB_OIDC_DOMAINS", [])
STTWEB_OIDC_TEAM = env.str("STTWEB_OIDC_TEAM", "")
if STTWEB_OIDC_ISSUER and not STTWEB_OIDC_CLIENT_ID:
    raise ImproperlyConfigured("STTWEB_OIDC_ISSUER needs STTWEB_OIDC_CLIENT_ID as well.")
_client = STTWEB_OIDC_ISSUER, STTWEB_OIDC_CLIENT_ID, STTWEB_OIDC_CLIENT_SECRET, STTWEB_OIDC_NAME
SOCIALACCOUNT_PROVIDERS = accounts.providers(*_client)

# --- Speech to text ------------------------------------------------------------------------------------------------

#: Key of the hosted service; with one set, the hosted engine is the default, else the embedded one.
ELEVENLABS_API_KEY = secret("ELEVENLABS_API_KEY")
#: Whether teams without a key of their own may use that one.
STTWEB_SHARED_KEY = env.bool("STTWEB_SHARED_KEY", True)
#: What an hour of sound costs there, as people read it before they choose it (list price of July 2026).
STTWEB_HOSTED_PRICE = env.str("STTWEB_HOSTED_PRICE", "$0.39")
#: Host of the hosted service: any of ws, wss, http, https and a path prefix. The operator's word, so it may be private.
ELEVENLABS_BASE_URL = env.str("ELEVENLABS_BASE_URL", "wss://api.elevenlabs.io")
#: Engine of new transcripts: embedded or elevenlabs.
STTWEB_ENGINE = env.str("STTWEB_ENGINE", "elevenlabs" if ELEVENLABS_API_KEY else "embedded")
if STTWEB_ENGINE not in {"embedded", "elevenlabs"}:
    raise ImproperlyConfigured(f"STTWEB_ENGINE must be 'embedded' or 'elevenlabs', not {STTWEB_ENGINE!r}.")
#: An embedded engine that runs elsewhere (`manage.py engine`); empty: each worker starts its own on loopback.
STTWEB_ENGINE_URL = env.str("STTWEB_ENGINE_URL", "")
#: A folder with the models of the embedded engine, instead of those in the installed packages.
STTWEB_ENGINE_MODEL = env.str("STTWEB_ENGINE_MODEL", "")
#: Recogniser of the embedded engine: moonshine, or reader (reads position-coded test audio).
STTWEB_ENGINE_RECOGNIZER = env.str("STTWEB_ENGINE_RECOGNIZER", "moonshine")
#: A plan of scripted faults for the embedded engine (tests only; see docs/engine.md).
STTWEB_ENGINE_FAULTS = env.str("STTWEB_ENGINE_FAULTS", "")
#: How many times real time files go to the hosted service (the embedded engine takes what it can).
STTWEB_FILE_PACE = env.float("STTWEB_FILE_PACE", 4.0)

# --- Work ----------------------------------------------------------------------------------------------------------

#: Sessions that one worker runs at once.
STTWEB_SESSIONS = env.int("STTWEB_SESSIONS", 4)
#: Seconds between two looks at the table for work that no message announced.
STTWEB_SWEEP_SECONDS = env.float("STTWEB_SWEEP_SECONDS", 2.0)
#: Seconds a claim lasts without renewal, and between renewals.
STTWEB_LEASE_SECONDS = env.float("STTWEB_LEASE_SECONDS", 20.0)
STTWEB_HEARTBEAT_SECONDS = env.float("STTWEB_HEARTBEAT_SECONDS", 5.0)
#: Seconds that a stopping worker gives its sessions to finish before it hands them over.
STTWEB_DRAIN_SECONDS = env.float("STTWEB_DRAIN_SECONDS", 20.0)
#: Transcripts that one person may have at work at the same time, on all workers together; 0: no bound.
STTWEB_USER_SESSIONS = env.int("STTWEB_USER_SESSIONS", 20)
#: Transcripts of one person that may be unfinished (waiting, paused, at work); 0: no bound.
STTWEB_USER_UNFINISHED = env.int("STTWEB_USER_UNFINISHED", 200)
#: Nothing new begins with less of the disk free than this share, or this many bytes, whichever is less.
STTWEB_DISK_LOW_PERCENT = env.float("STTWEB_DISK_LOW_PERCENT", 10.0)
STTWEB_DISK_LOW_BYTES = env.int("STTWEB_DISK_LOW_BYTES", 2 * 1024**3)
#: What runs pauses under this share (or half of those bytes).
STTWEB_DISK_FULL_PERCENT = env.float("STTWEB_DISK_FULL_PERCENT", 5.0)

#: Sound that may wait before the speech service, and sound without an answer that is kept for a replay, in seconds.
STTWEB_READ_AHEAD_SECONDS = env.float("STTWEB_READ_AHEAD_SECONDS", 8.0)
STTWEB_REPLAY_SECONDS = env.float("STTWEB_REPLAY_SECONDS", 120.0)
#: Events of one session that may wait for the database.
STTWEB_EVENTS_WAITING = env.int("STTWEB_EVENTS_WAITING", 50)
#: Text that may wait before one browser, in bytes, and the longest that one message may take to leave, in seconds.
STTWEB_VIEWER_BYTES = env.int("STTWEB_VIEWER_BYTES", 256 * 1024)
STTWEB_VIEWER_SECONDS = env.float("STTWEB_VIEWER_SECONDS", 10.0)

# --- Fetching and storing ------------------------------------------------------------------------------------------

#: Largest recording in bytes, uploaded or fetched.
STTWEB_MAX_MEDIA_BYTES = env.int("STTWEB_MAX_MEDIA_BYTES", 4 * 1024**3)
#: Largest request of somebody who is not logged in, in bytes; the rest is not read.
STTWEB_MAX_STRANGER_BYTES = env.int("STTWEB_MAX_STRANGER_BYTES", 64 * 1024)
#: Bytes of uploads on their way that one team may have at the same time.
STTWEB_UPLOAD_TEAM_BYTES = env.int("STTWEB_UPLOAD_TEAM_BYTES", 16 * 1024**3)
#: Uploads on their way that one person may have at the same time.
STTWEB_UPLOADS_AT_ONCE = env.int("STTWEB_UPLOADS_AT_ONCE", 20)
#: Hours without a new part after which an upload on its way is removed.
STTWEB_UPLOAD_HOURS = env.float("STTWEB_UPLOAD_HOURS", 24.0)
#: Seconds without a connection after which a client that sent its own sound is taken to have ended.
STTWEB_SOCKET_GONE_SECONDS = env.float("STTWEB_SOCKET_GONE_SECONDS", 600.0)
#: Longest recording or stream in hours.
STTWEB_MAX_HOURS = env.float("STTWEB_MAX_HOURS", 24.0)
#: Private networks and unusual ports that people may name in links; the operator's decision, empty by default.
FETCH_ALLOW_NETWORKS: list[str] = env.list("FETCH_ALLOW_NETWORKS", [])
FETCH_ALLOW_PORTS: list[int] = env.list("FETCH_ALLOW_PORTS", [], subcast=int)
#: Whether recordings are looked for on web pages, if the extra "pages" is installed; by which of its extractors
#: (regular expressions of their names; none: by all).
STTWEB_PAGES = env.bool("STTWEB_PAGES", True)
STTWEB_PAGES_EXTRACTORS: list[str] = env.list("STTWEB_PAGES_EXTRACTORS", [])
#: Decoder program; empty: the one that the package imageio-ffmpeg carries.
STTWEB_FFMPEG = env.str("STTWEB_FFMPEG", "")
#: Decode although the decoder's sandbox does not hold on this machine. Dangerous: a hostile recording that takes over
#: the decoder then has the network, the files and the secrets of the worker. For machines that only hear one's own.
STTWEB_ALLOW_UNSANDBOXED_DECODER = env.bool("STTWEB_ALLOW_UNSANDBOXED_DECODER", False)
#: Seconds without a byte from a station until its connection is given up and made again.
STTWEB_SOURCE_SILENCE_SECONDS = env.float("STTWEB_SOURCE_SILENCE_SECONDS", 20.0)
#: Keep the sound of recordings for listening (MP3, 21.6 MB an hour), on the clock of the words; streams: the team says.
STTWEB_KEEP_SOUND = env.bool("STTWEB_KEEP_SOUND", True)

#: Requests a minute that one token may make of the API, and one address with all its tokens; a sixth of it at once.
#: A token that opens nothing counts as ten. 0: no bound.
STTWEB_API_PER_MINUTE = env.int("STTWEB_API_PER_MINUTE", 600)
STTWEB_API_ADDRESS_PER_MINUTE = env.int("STTWEB_API_ADDRESS_PER_MINUTE", 1200)

# --- Watching and keeping ------------------------------------------------------------------------------------------

#: What a monitor sends to read /readyz and /metrics (Authorization: Bearer …); without it: staff, and this machine.
STTWEB_METRICS_TOKEN = secret("STTWEB_METRICS_TOKEN")
#: Seconds between two rounds of a worker's upkeep: what is to be erased, what retention says is due.
STTWEB_UPKEEP_SECONDS = env.float("STTWEB_UPKEEP_SECONDS", 600.0)
#: Days for which the log of webhooks keeps what was sent, and what the receivers answered.
STTWEB_WEBHOOK_LOG_DAYS = env.float("STTWEB_WEBHOOK_LOG_DAYS", 30.0)
#: Days that the audit record is kept. 0: for ever.
STTWEB_AUDIT_DAYS = env.int("STTWEB_AUDIT_DAYS", 730)
#: The list of what was erased, kept beside the database so that a restored backup forgets it again.
STTWEB_ERASURES_FILE = Path(env.str("STTWEB_ERASURES_FILE", str(STTWEB_VAR / "erasures.jsonl")))

# Uploads go to disk at once, whatever their size; forms themselves stay small.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = STTWEB_VAR / "tmp"
FILE_UPLOAD_TEMP_DIR.mkdir(parents=True, exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500

#: How log lines look: text for people, json for machines.
STTWEB_LOG_FORMAT = env.str("STTWEB_LOG_FORMAT", "text")
if STTWEB_LOG_FORMAT not in {"text", "json"}:
    raise ImproperlyConfigured(f"STTWEB_LOG_FORMAT must be 'text' or 'json', not {STTWEB_LOG_FORMAT!r}.")
#: What must never appear in a log, whatever it looks like.
LOGGED_SECRETS = secret_parts(
    SECRET_KEY,
    *STTWEB_MASTER_KEYS,
    DATABASE_URL,
    REDIS_URL,
    ELEVENLABS_API_KEY,
    STTWEB_METRICS_TOKEN,
    STTWEB_MAIL_URL,
    STTWEB_OIDC_CLIENT_SECRET,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"transcript": {"()": "sttweb.logs.TranscriptFilter"}},
    "formatters": {
        "line": {"()": f"sttweb.logs.{STTWEB_LOG_FORMAT.capitalize()}Formatter", "secrets": LOGGED_SECRETS},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["transcript"]}},
    "root": {"handlers": ["console"], "level": env.str("STTWEB_LOG_LEVEL", "WARNING")},
    "loggers": {
        "sttweb": {"level": env.str("STTWEB_LOG_LEVEL", "INFO")},
        "transcripts": {"level": env.str("STTWEB_LOG_LEVEL", "INFO")},
        "django.channels.server": {"level": "WARNING"},
    },
}
