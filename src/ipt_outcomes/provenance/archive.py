"""ZIP archives whose bytes depend on their content alone, and the safe reading of foreign ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

EPOCH = (1980, 1, 1, 0, 0, 0)
LARGEST = 2_000_000_000
"""Most bytes that an archive may unpack to."""


class ArchiveError(ValueError):
    """An archive that cannot be read, or must not be."""


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Pack files: sorted names, one date, one mode.

    Examples
    --------
    >>> zipped({"a": b"1", "b": b"2"}) == zipped({"b": b"2", "a": b"1"})
    True
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, files[name])
    return stream.getvalue()


def unzipped(content: bytes | Path) -> dict[str, bytes]:
    """Read the files of an archive.

    Raises
    ------
    ArchiveError
        When it is damaged, holds a name twice, would unpack outside its folder, or is too large.

    Examples
    --------
    >>> unzipped(zipped({"data/a.csv": b"1"}))
    {'data/a.csv': b'1'}
    """
    source = content if isinstance(content, Path) else io.BytesIO(content)
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise ArchiveError(f"the archive unpacks to more than {LARGEST:,} bytes.")
            for entry in archive.infolist():
                if entry.is_dir():
                    continue
                path = PurePosixPath(entry.filename)
                odd = "\\" in entry.filename or ":" in entry.filename
                if path.is_absolute() or ".." in path.parts or odd:
                    raise ArchiveError(f"the archive would write outside its folder: {path}")
                if entry.filename in files:
                    raise ArchiveError(f"the archive holds {path} twice.")
                files[entry.filename] = archive.read(entry)
    except FileNotFoundError:
        raise ArchiveError(f"{content!s}: there is no such file.") from None
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArchiveError(f"the archive is damaged: {error}.") from None
    return files


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder; names were checked by :func:`unzipped`."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
