"""The software bill of materials of a release: CycloneDX 1.6, as JSON.

It lists what `pip install chipseal` and its extras may bring: versions and hashes are those of the
lock file, licences and dependencies those of the metadata of the packages in this environment.
What only an extra brings has the scope "optional".
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.errors import MisuseError

NAME: Final = "chipseal"
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))? \\$")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Pin:
    """A line of a lock file: a version, for some environments only, and the hashes of its files."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> PackageURL:
        """The package's address in every index."""
        return PackageURL("pypi", name=self.name, version=self.version)


def read_lock(text: str) -> dict[str, list[Pin]]:
    """Return the pins of a lock file by normalised name; there may be one for each environment."""
    pins: dict[str, list[Pin]] = {}
    for entry in re.split(r"\n(?=\S)", text):
        first, *_ = entry.splitlines()
        if found := _PIN.match(first):
            name, version, marker = found[1], found[2], found[3] or ""
            pin = Pin(canonicalize_name(name), version, marker, tuple(_HASH.findall(entry)))
            pins.setdefault(pin.name, []).append(pin)
    return pins


def dependencies_of(name: str, extras: Iterable[str] = ()) -> dict[str, set[str]]:
    """Return the direct dependencies of an installed package in this environment.

    The keys are normalised names, the values the extras that are required of each.
    """
    found: dict[str, set[str]] = {}
    for line in distribution(name).requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": each}) for each in ("", *extras)):
            found.setdefault(canonicalize_name(requirement.name), set()).update(requirement.extras)
    return found


def closure_of(extras: Iterable[str]) -> dict[str, set[str]]:
    """Return each package that Chipseal with these extras brings, with its direct dependencies."""
    found: dict[str, set[str]] = {}
    waiting = [(NAME, frozenset(extras))]
    seen = set(waiting)
    while waiting:
        name, wanted = waiting.pop()
        direct = dependencies_of(name, wanted)
        found.setdefault(name, set()).update(direct)
        new = {(each, frozenset(more)) for each, more in direct.items()} - seen
        seen |= new
        waiting += sorted(new, key=lambda each: each[0])
    return found


def make_sbom(lock: str, version: str, files: Iterable[Path], epoch: int, address: str) -> str:
    """Return the bill of materials of these files as JSON, valid by its schema.

    The same files give the same text.  Raises `MisuseError` if the lock file lacks a package, or
    if a package is not installed.
    """
    pins = read_lock(lock)
    extras = distribution(NAME).metadata.get_all("Provides-Extra") or []
    try:
        required, whole = closure_of(()), closure_of(extras)
    except PackageNotFoundError as error:
        raise MisuseError(f"{error.name}: is not installed", advice="run `./run setup`") from None
    files = sorted(files)
    ours = Component(
        name=NAME,
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=NAME,
        purl=PackageURL("pypi", name=NAME, version=version),
        licenses=_licences(NAME),
        external_references=[
            ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(address)),
            *(_distribution(each.name, [_sha256(each)]) for each in files),
        ],
    )
    components = {
        name: [_component(pin, optional=name not in required) for pin in _pinned(name, pins)]
        for name in sorted(whole)
        if name != NAME
    }
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, "".join(_sha256(each) for each in files)),
        components=[each for pinned in components.values() for each in pinned],
    )
    bom.metadata.component = ours
    bom.metadata.timestamp = datetime.fromtimestamp(epoch, UTC)
    components[NAME] = [ours]
    for name, direct in whole.items():
        behind = [each for other in sorted(direct) for each in components[other]]
        for component in components[name]:
            bom.register_dependency(component, behind)
    return _valid(JsonV1Dot6(bom).output_as_string(indent=2))


def _valid(text: str) -> str:
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        raise MisuseError(f"the bill of materials is not CycloneDX 1.6: {problem}")
    return text + "\n"


def _pinned(name: str, pins: Mapping[str, list[Pin]]) -> list[Pin]:
    if name not in pins:
        raise MisuseError(f"{name}: is not in the lock file", advice="run `./run lock`")
    return pins[name]


def _component(pin: Pin, *, optional: bool) -> Component:
    scope = ComponentScope.OPTIONAL if optional else ComponentScope.REQUIRED
    return Component(
        name=pin.name,
        version=pin.version,
        bom_ref=pin.purl.to_string(),
        purl=pin.purl,
        scope=scope,
        licenses=_licences(pin.name),
        external_references=[_distribution(pin.purl.to_string(), pin.hashes)],
        properties=[Property(name="chipseal:marker", value=pin.marker)] if pin.marker else [],
    )


def _distribution(address: str, hashes: Iterable[str]) -> ExternalReference:
    return ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(address),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in hashes],
    )


def _licences(name: str) -> list[License]:
    """Return the licence that the metadata of an installed package declare, or its classifiers."""
    metadata = distribution(name).metadata
    expression, text = (
        "".join(metadata.get_all(each) or ()) for each in ("License-Expression", "License")
    )
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or []
        if each.startswith("License :: ")
    ]
    one_line = text if 0 < len(text) < 80 and "\n" not in text else ""
    factory = LicenseFactory()
    declared = LicenseAcknowledgement.DECLARED
    named = [expression] if expression else [one_line] if one_line else classifiers
    return [factory.make_from_string(each, license_acknowledgement=declared) for each in named]


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
