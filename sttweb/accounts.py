"""How django-allauth is set up. Pure: our few options in, its many settings out."""

from __future__ import annotations

from typing import Any


def options(*, mail: bool, signup: bool, https: bool) -> dict[str, Any]:
    """Settings of accounts and second factors: ``mail`` can be sent, ``signup`` is open to anybody."""
    return {
        "ACCOUNT_ADAPTER": "transcripts.accounts.adapters.AccountAdapter",
        "ACCOUNT_LOGIN_METHODS": {"username", "email"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "email*" if mail else "email", "password1*", "password2*"],
        "ACCOUNT_EMAIL_VERIFICATION": ("mandatory" if signup else "optional") if mail else "none",
        "ACCOUNT_EMAIL_NOTIFICATIONS": mail,
        "ACCOUNT_EMAIL_SUBJECT_PREFIX": "sttweb: ",
        "ACCOUNT_SESSION_REMEMBER": True,
        # Seconds that a mailed link for a new password works.
        "PASSWORD_RESET_TIMEOUT": 3600,
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": "https" if https else "http",
        "SOCIALACCOUNT_ADAPTER": "transcripts.accounts.adapters.SocialAdapter",
        "MFA_ADAPTER": "transcripts.accounts.adapters.MFAAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_ISSUER": "sttweb",
        # The first owner has no e-mail address, and an installation without mail can verify none.
        "MFA_ALLOW_UNVERIFIED_EMAIL": True,
        # Browsers offer passkeys on https and on localhost only; this lets the server agree about the latter.
        "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN": not https,
    }


def providers(issuer: str, client_id: str, client_secret: str, name: str) -> dict[str, Any]:
    """The one sign-on provider, or none without an ``issuer``."""
    sso = {
        "provider_id": "sso",
        "name": name,
        "client_id": client_id,
        "secret": client_secret,
        "settings": {"server_url": issuer},
    }
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [sso] if issuer else []}}
