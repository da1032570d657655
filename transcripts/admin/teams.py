"""Teams, who belongs to them, and people. Nothing here leaves a team without an owner, and all of it is on record."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from transcripts import auditing
from transcripts.admin.lists import FastAdmin
from transcripts.membership import errors, members, staff
from transcripts.models import Act, Membership, Role, Team
from transcripts.upkeep.erasing import pseudonym

if TYPE_CHECKING:
    MembershipTable = admin.TabularInline[Membership, Team]
    MembershipForm = forms.ModelForm[Membership]
    MembershipFormSet = forms.BaseInlineFormSet[Membership, Team, MembershipForm]
    PersonAdminBase = UserAdmin[User]
    PersonFormBase = UserChangeForm[User]
else:
    MembershipTable, MembershipForm = admin.TabularInline, forms.ModelForm
    MembershipFormSet, PersonAdminBase, PersonFormBase = forms.BaseInlineFormSet, UserAdmin, UserChangeForm

#: What Django asks `get_deleted_objects` for: what goes, how many of each, missing rights, and what stands against it.
Going = tuple[list[Any], dict[str, int], set[str], list[Any]]


def _actor(request: HttpRequest) -> User:
    """Who is logged in: nobody else reaches the admin."""
    assert isinstance(request.user, User)
    return request.user


def _no_owner() -> ValidationError:
    refused = errors.last_owner()
    return ValidationError(f"{refused.message} {refused.next_step}", code=refused.code)


def _against(teams: Iterable[Team]) -> list[str]:
    """What stands against a deletion, team by team."""
    return [_("%(team)s would have no owner: hand it over to somebody else first.") % {"team": team} for team in teams]


class OwnedAdmin(FastAdmin):
    """Where a change that somebody else overtook is refused in words, with nothing changed."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """One row."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except errors.Refused as refused:
            return self._refused(request, refused)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """The end of one row."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except errors.Refused as refused:
            return self._refused(request, refused)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list and what is done to several."""
        try:
            with transaction.atomic() if request.method == "POST" else nullcontext():
                return super().changelist_view(request, extra_context)
        except errors.Refused as refused:
            return self._refused(request, refused)

    def _refused(self, request: HttpRequest, refused: errors.Refused) -> HttpResponse:
        self.message_user(request, f"{refused.message} {refused.next_step}", messages.ERROR)
        return redirect(request.path)


class OwnedFormSet(MembershipFormSet):
    """The members of one team: at least one of them owns it."""

    def clean(self) -> None:
        """Raises ValidationError when nobody would own the team."""
        super().clean()
        stay = [form for form in self.forms if form not in self.deleted_forms and hasattr(form, "cleaned_data")]
        if not any(_can_own(form.cleaned_data) for form in stay):
            raise _no_owner()


def _can_own(row: dict[str, Any]) -> bool:
    """Somebody who can log in is the owner in this row."""
    person = row.get("user")
    return row.get("role") == Role.OWNER and person is not None and person.is_active


class Members(MembershipTable):
    """The members of a team, on its page."""

    model = Membership
    formset = OwnedFormSet
    autocomplete_fields = ["user"]
    extra = 0
    min_num = 1


@admin.register(Team)
class TeamAdmin(OwnedAdmin):
    """Teams with their members."""

    list_display = ["name", "created_at"]
    search_fields = ["name"]
    inlines = [Members]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only a team without transcripts: deleting them takes their recordings away, which a cascade would forget."""
        if isinstance(obj, Team) and obj.transcripts.exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, object]:  # type: ignore[override]
        """No deleting of several at once, which would not ask for each."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def save_model(self, request: HttpRequest, obj: Team, form: Any, change: bool) -> None:
        """Save it, on record."""
        super().save_model(request, obj, form, change)
        if change and not form.changed_data:
            return
        act = Act.TEAM_CHANGED if change else Act.TEAM_CREATED
        auditing.record(act, actor=_actor(request), team=obj, target=obj, by=staff.BY)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Who joins and who rises comes first, so that there is an owner at every moment.

        Raises Refused when somebody else's change in the same moment left none.
        """
        formset.save(commit=False)
        actor = _actor(request)
        changed = [row for row, _fields in formset.changed_objects]
        for row in sorted([*formset.new_objects, *changed], key=lambda row: row.role != Role.OWNER):
            _put(row, actor)
        for row in formset.deleted_objects:
            staff.remove(row, actor)
        formset.save_m2m()

    def delete_model(self, request: HttpRequest, obj: Team) -> None:
        """Delete it, on record, with nobody adding to it meanwhile. Raises Refused."""
        with members.locked(obj):
            if obj.transcripts.exists():
                # Somebody submitted one while the page asked whether it is meant.
                raise errors.has_transcripts()
            auditing.record(Act.DELETED, actor=_actor(request), team=obj, target=obj, by=staff.BY)
            super().delete_model(request, obj)


def _put(row: Membership, actor: User) -> None:
    """As a form left it: a new place, or another role in an old one."""
    if row._state.adding:
        staff.add(row.team, row.user, Role(row.role), actor)
    else:
        staff.change_role(row, Role(row.role), actor)


class OwnedForm(MembershipForm):
    """One membership: that of a team's last owner stays one."""

    def clean(self) -> dict[str, Any] | None:
        """Raises ValidationError when nobody would own the team."""
        cleaned = super().clean()
        loses = not self.instance._state.adding and self.cleaned_data.get("role", Role.OWNER) != Role.OWNER
        if loses and staff.orphaned(places=[self.instance.pk]):
            raise _no_owner()
        return cleaned


@admin.register(Membership)
class MembershipAdmin(OwnedAdmin):
    """Who belongs where."""

    form = OwnedForm
    list_display = ["user", "team", "role", "created_at"]
    list_filter = ["role", "team"]
    list_select_related = ["user", "team"]
    search_fields = ["user__username", "user__email", "team__name"]
    autocomplete_fields = ["user", "team"]
    ordering = ["-id"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Another person or another team is another membership."""
        return ["user", "team"] if obj else []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Going:
        """Last owners stand against it."""
        going, counts, rights, against = super().get_deleted_objects(objs, request)
        orphaned = staff.orphaned(places=[place.pk for place in objs])
        return going, counts, rights, [*against, *_against(orphaned)]

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """Add or change, on record."""
        _put(obj, _actor(request))
        if not change:
            obj.pk = Membership.objects.get(team=obj.team, user=obj.user).pk

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        """Remove, on record."""
        staff.remove(obj, _actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remove several, each on record."""
        for place in queryset.select_related("team", "user"):
            staff.remove(place, _actor(request))


class PersonForm(PersonFormBase):
    """A person: the last owner of a team cannot be switched off before somebody else owns it."""

    def clean_is_active(self) -> bool:
        """Raises ValidationError with the teams that nobody could manage any more."""
        stays = bool(self.cleaned_data["is_active"])
        if not stays and self.instance.is_active:
            against = _against(staff.orphaned(people=[self.instance.pk]))
            if against:
                raise ValidationError(against, code="last_owner")
        return stays


class PersonAdmin(OwnedAdmin, PersonAdminBase):
    """People. Who is erased leaves a pseudonym in the record, and nobody's team is left without an owner."""

    form = PersonForm

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Going:
        """Last owners stand against it."""
        going, counts, rights, against = super().get_deleted_objects(objs, request)
        return going, counts, rights, [*against, *_against(staff.orphaned(people=[person.pk for person in objs]))]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save. Raises Refused when a team would have no owner that can log in."""
        if change and not obj.is_active and "is_active" in form.changed_data:
            staff.require_other_owners([obj])
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Erase a person, on record by a pseudonym. Raises Refused."""
        staff.let_go([obj], _actor(request), pseudonym)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Erase several, each on record. Raises Refused."""
        staff.let_go(list(queryset), _actor(request), pseudonym)
        super().delete_queryset(request, queryset)


admin.site.unregister(User)
admin.site.register(User, PersonAdmin)
