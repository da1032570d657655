"""The operator's view of everything: review of saved transcripts, teams, workers. Reached by staff only.

Staff see all teams, as operators do; what members may do is decided in `access.py`.
"""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from transcripts.admin import audit, operations, rows, teams, transcripts

__all__ = ["audit", "operations", "rows", "teams", "transcripts"]

admin.site.site_header = admin.site.site_title = _("sttweb operations")
# The admin's own form knows neither limits nor second factors.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
