"""People and organisations as entities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...data_classes import dataclass
from ...hashing import hash_text
from ...provenance.rows import AgentRow
from .jsonld import Entity, clean, entity, ref

_SHORT = 12


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation. `identity` is what names it everywhere: a URL of ROR or its own page."""

    name: str
    identity: str | None = None

    @property
    def id(self) -> str:
        """Its `@id`."""
        return self.identity or f"#organisation/{hash_text(self.name)[:_SHORT]}"


@dataclass(frozen=True, slots=True)
class Person:
    """A person. `orcid` is a URL, `https://orcid.org/0000-0000-0000-0000`."""

    name: str
    orcid: str | None = None
    affiliation: Organisation | None = None
    email: str | None = None

    @property
    def id(self) -> str:
        """Its `@id`."""
        return self.orcid or f"#person/{hash_text(self.name)[:_SHORT]}"


def person_of(row: AgentRow) -> Person:
    """Return the person that is on record for a run."""
    place = row.affiliation
    is_url = place is not None and place.startswith(("http://", "https://"))
    affiliation = None if place is None else Organisation(place, place if is_url else None)
    return Person(row.name, row.orcid, affiliation, row.email)


def people_entities(people: Sequence[Person], organisations: Sequence[Organisation] = ()) -> Iterator[Entity]:
    """Yield the entities of people and of organisations, each once."""
    known: dict[str, Entity] = {}
    for person in people:
        known[person.id] = entity(
            person.id,
            "Person",
            name=clean(person.name),
            affiliation=ref(person.affiliation.id) if person.affiliation else None,
            email=clean(person.email) if person.email else None,
            contactPoint=ref(f"mailto:{clean(person.email)}") if person.email else None,
        )
        if person.email:
            address = f"mailto:{clean(person.email)}"
            known[address] = entity(
                address, "ContactPoint", name=f"mail to {clean(person.name)}", email=clean(person.email), url=address,
                contactType="author",
            )  # fmt: skip
    named = [person.affiliation for person in people if person.affiliation] + list(organisations)
    for one in named:
        url = one.identity
        known[one.id] = entity(one.id, "Organization", name=clean(one.name), url=clean(url) if url else None)
    yield from known.values()
