"""What a timeline and a roster consist of: the fields that a column of a file can go to.

Lengths are those of `tenancy.models`, which a child process cannot import; a test compares them.
"""

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "prose", "integer", "moment", "choice", "mail", "codes"]
"""`prose` may have several lines; `codes` is a list of short texts."""
Kind = Literal["timeline", "roster"]

KINDS = ("note", "task", "event", "milestone", "call", "travel", "delivery", "incident")
"""Kinds of timeline entries that every organization has; those it uses besides come with the
import (`Choices.kinds`), since the product takes any text of 32 characters."""
ROLES = ("viewer", "editor", "admin", "owner")
STATUSES = ("active", "invited", "inactive")


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that a column can mean."""

    name: str  # the header that an export writes; stable
    type: Type = "text"
    required: bool = False  # must be mapped, and no row may leave it empty
    max_length: int | None = None  # code points after NFC
    clearable: bool = False  # an update may empty it
    choices: tuple[str, ...] = ()
    personal: bool = False  # its values never reach a log
    synonyms: tuple[str, ...] = ()  # other headers, as `mapping.fold` leaves them


TIMELINE = (
    Field(
        name="external_id",
        max_length=128,
        clearable=True,
        synonyms=(
            *("key", "externalkey", "externalreference", "extid", "uid"),
            *("externeid", "externekennung", "kennung", "schlüssel"),
            *("identifiantexterne", "idexterne", "clé"),
        ),
    ),
    Field(name="id", type="integer", synonyms=("entryid", "eintragsid", "identifiant")),
    Field(
        name="mission",
        required=True,
        max_length=64,
        synonyms=(
            *("missioncode", "missionreference", "missionid"),
            *("einsatz", "auftrag", "missionsnummer", "einsatznummer"),
            *("codemission", "codedelamission", "référencemission"),
        ),
    ),
    Field(
        name="kind",
        type="choice",
        required=True,
        max_length=32,
        choices=KINDS,
        synonyms=("type", "category", "art", "typ", "kategorie", "genre", "catégorie"),
    ),
    Field(
        name="title",
        required=True,
        max_length=300,
        synonyms=(
            *("name", "subject", "summary", "titel", "betreff", "bezeichnung"),
            *("titre", "objet", "intitulé"),
        ),
    ),
    Field(
        name="starts_at",
        type="moment",
        required=True,
        synonyms=(
            *("start", "starts", "starttime", "startdate", "begin", "begins", "from", "date"),
            *("beginn", "anfang", "von", "startzeit", "startdatum", "datum"),
            *("début", "datededébut", "du"),
        ),
    ),
    Field(
        name="ends_at",
        type="moment",
        clearable=True,
        synonyms=(
            *("end", "ends", "endtime", "enddate", "until", "to", "finish"),
            *("ende", "bis", "endzeit", "enddatum"),
            *("fin", "datedefin", "au"),
        ),
    ),
    Field(
        name="location",
        max_length=300,
        clearable=True,
        synonyms=("place", "where", "venue", "ort", "standort", "lieu", "endroit"),
    ),
    Field(
        name="notes",
        type="prose",
        clearable=True,
        synonyms=(
            *("note", "comment", "comments", "description", "remarks", "details"),
            *("notiz", "notizen", "bemerkung", "bemerkungen", "kommentar", "beschreibung"),
            *("remarque", "remarques", "commentaire", "commentaires"),
        ),
    ),
)

ROSTER = (
    Field(
        name="mail",
        type="mail",
        required=True,
        max_length=254,
        personal=True,
        synonyms=(
            *("email", "emailaddress", "mailaddress", "emailadresse", "mailadresse"),
            *("courriel", "adressemail", "adressecourriel", "adressedemessagerie"),
        ),
    ),
    Field(
        name="name",
        max_length=200,
        personal=True,
        synonyms=("fullname", "displayname", "vollername", "nom", "nomcomplet"),
    ),
    Field(name="role", type="choice", choices=ROLES, synonyms=("rolle", "rôle", "permission")),
    Field(
        name="status",
        type="choice",
        choices=STATUSES,
        synonyms=("state", "zustand", "statut", "état"),
    ),
)

FIELDS: dict[Kind, tuple[Field, ...]] = {"timeline": TIMELINE, "roster": ROSTER}


def field(kind: Kind, name: str) -> Field:
    """The field of this name. Raises KeyError."""
    return {one.name: one for one in FIELDS[kind]}[name]
