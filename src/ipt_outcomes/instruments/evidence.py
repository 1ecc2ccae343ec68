"""Where a fact about an instrument comes from, and how sure it is.

Every fact of the registry carries its sources and a confidence:

* **H**: read in a source that is named, or following from such facts by arithmetic;
* **M**: standard knowledge of the field, not read in a source;
* **L**: uncertain; look it up in the instrument's manual before relying on it.

What is not H is an *assumption*: it is used, but printed wherever it decided a number.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Confidence = Literal["H", "M", "L"]

NOT_READ = frozenset({"own_knowledge", "project_default"})
"""Sources that nobody can look up: facts that rest on them alone are never of confidence H."""
STUDY = "study"
"""The source of facts that a study states about its own instruments."""

CONFIDENCE_IN_WORDS: dict[str, str] = {
    "H": "read in a source",
    "M": "standard, not read in a source",
    "L": "uncertain",
}


class Part(BaseModel):
    """What all parts of a definition share: unknown keys are refused, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Fact(Part):
    """One fact with its evidence.

    Facts that a study states about its own instruments need no evidence; they count as read.
    """

    sources: tuple[str, ...] = Field(default=(STUDY,), min_length=1)
    """Keys of the list of sources."""
    confidence: Confidence = "H"
    """H, M or L."""
    note: str = Field(default="", max_length=300)
    """What a reader must know about this fact."""

    @property
    def assumption(self) -> bool:
        """Whether the fact is used without having been read in a source."""
        return self.confidence != "H"


class Source(Part):
    """One entry of the list of sources."""

    title: str
    """The publication, page or program."""
    where: str = ""
    """DOI, address or repository."""
    read: Literal["abstract", "page", "code", "data", "arithmetic", "not read"]
    """What of it was read."""
