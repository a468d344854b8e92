"""Forms of entities: one organization per row; what the database refuses becomes an error."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError
from django.db.utils import IntegrityError
from unfold.forms import PaginationInlineFormSet

from tenancy.rls import TenantForeignKey


class TenantForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose row belongs to one organization, and so does everything that it refers to.

    The field `organization` is there when a row is made and at no other time.
    """

    refused: ClassVar[str] = ""
    """What the database said to the same input a moment ago."""

    def clean(self) -> dict[str, Any]:
        """Set the organization, and refuse references to rows of another one."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.refused:
            raise ValidationError(self.refused)
        if self.instance._state.adding and cleaned.get("organization") is not None:
            self.instance.organization = cleaned["organization"]
        for field in self.instance._meta.concrete_fields:
            chosen = cleaned.get(field.name)
            if isinstance(field, TenantForeignKey) and chosen is not None:
                self._same_organization(field.name, chosen)
        return cleaned

    def _same_organization(self, name: str, chosen: Any) -> None:
        if chosen.organization_id != self.instance.organization_id:
            self.add_error(name, "Choose one of the same organization.")

    def _get_validation_exclusions(self) -> set[str]:
        # Unique constraints begin with the organization; without it Django would skip them.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        if self.instance.organization_id is not None:
            excluded.discard("organization")
        return excluded


class TenantFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """Rows inside the page of another one, all of its organization."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        if form.instance._state.adding:
            form.instance.organization_id = self.instance.organization_id
        return form


def refusal(error: Exception) -> str:
    """What the database refused, in a sentence for the person who filled in the form."""
    if isinstance(error, ValidationError):
        return " ".join(error.messages)
    if isinstance(error, ProtectedError):
        return "Something else still refers to this, so it stays."
    diagnostics = getattr(error.__cause__, "diag", None)
    constraint = getattr(diagnostics, "constraint_name", None) or "a rule of the database"
    if isinstance(error, IntegrityError) and "once" in constraint:
        return f"There is one like this already ({constraint})."
    return f"The database refused this: {constraint}."
