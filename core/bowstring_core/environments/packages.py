"""Packages: copies of a user's folders, modules and archives, named by the hash of what they hold (spec 10.1).

A package is a folder `<session>/packages/<id>`. It is written under another name and put in place by rename, so one
that is there is whole. The id is a hash over the relative path, the mode and the bytes of each file, in order of their
paths: the same files give the same package, whatever they were copied from.

An archive is judged before a byte of it is written: no entry may lead out of the folder, be a link or a device, or come
twice. Its sizes are what its headers say, so what is really unpacked is counted too.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import IO, NamedTuple

from bowstring_core import limits
from bowstring_core.environments.exclusion import Exclusion
from bowstring_core.environments.places import JAR, PREFIX, PackageError, place
from bowstring_core.node.sessions import remove_folder

_LEFT_OUT = frozenset(("__pycache__", ".git"))
_ARCHIVES = (".zip", ".whl")
_CHUNK_BYTES = 1 << 20


class _File(NamedTuple):
    """One file of a package: where it goes, and how it is read."""

    path: str  # relative, with "/"
    executable: bool
    open: Callable[[], IO[bytes]]


def keep(folder: str, source: str, module: bool, excludes: Sequence[str] = ()) -> str:
    """Make a package of a source, if there is none of the same contents.

    Args:
        folder: The session's folder.
        source: Absolute path of a folder, a `.py` file or an archive; or the name of a package.
        module: The source is a module: a folder is kept under its own name, and a `.py` file may be given.
        excludes: What is left out of a folder, as in a .gitignore file.

    Returns:
        "package:" and the id.

    Raises:
        PackageError: it can't be read, or is refused.
    """
    if source.startswith(PREFIX):
        place(folder, source)
        return source
    try:
        if os.path.isdir(source):
            exclusion = Exclusion(excludes)
            return _keep(folder, source, lambda: _files_of_folder(source, module, exclusion))
        if not os.path.isfile(source):
            raise PackageError(f"{source!r} does not exist")
        if source.endswith(_ARCHIVES):
            with zipfile.ZipFile(source) as archive:
                return _keep(folder, source, lambda: _files_of_archive(archive, source))
        if module and source.endswith(".py"):
            alone = _File(os.path.basename(source), False, partial(io.FileIO, source))
            return _keep(folder, source, lambda: iter((alone,)))
    except ValueError as error:
        raise PackageError(f"{source!r}: {error}") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise PackageError(f"{source!r} can't be read: {error}") from error
    kinds = "a folder, a .py file, a .zip archive or a .whl" if module else "a folder or a .zip archive"
    raise PackageError(f"{source!r} is not {kinds}")


def keep_classes(folder: str, source: str) -> str:
    """Make a package of what Java classes are in: a jar as it is, under its own name, or a folder.

    Args:
        folder: The session's folder.
        source: Absolute path, or the name of a package.

    Returns:
        "package:" and the id.

    Raises:
        PackageError: it can't be read, or is neither.
    """
    if source.startswith(PREFIX) or os.path.isdir(source):
        return keep(folder, source, False)
    try:
        if not os.path.isfile(source):
            raise PackageError(f"{source!r} does not exist")
        if not source.endswith(JAR) or not zipfile.is_zipfile(source):
            raise PackageError(f"{source!r} is no jar, and no folder of classes")
        alone = _File(os.path.basename(source), False, partial(io.FileIO, source))
        return _keep(folder, source, lambda: iter((alone,)))
    except OSError as error:
        raise PackageError(f"{source!r} can't be read: {error}") from error


def keep_class_path(folder: str, entries: Sequence[str]) -> list[str]:
    """Packages of the entries of a class path; as for a JVM, one that does not exist or is no archive is nothing.

    Args:
        folder: The session's folder.
        entries: Absolute paths.

    Raises:
        PackageError: an entry can't be read, or is too large.
    """
    there = (entry for entry in entries if os.path.isdir(entry) or (entry.endswith(JAR) and zipfile.is_zipfile(entry)))
    return [keep_classes(folder, entry) for entry in there]


def _keep(folder: str, source: str, files: Callable[[], Iterator[_File]]) -> str:
    root = os.path.join(folder, "packages")
    os.makedirs(root, 0o700, exist_ok=True)
    name = _copy(source, files(), "")
    target = os.path.join(root, name)
    if os.path.isdir(target):
        return PREFIX + name
    fresh = os.path.join(root, f".{os.getpid()}-{name}")
    os.mkdir(fresh, 0o700)
    try:
        # Hashed again: what was copied gives the name, should a file have changed meanwhile.
        name = _copy(source, files(), fresh)
        target = os.path.join(root, name)
        try:
            os.rename(fresh, target)
        except OSError:
            if not os.path.isdir(target):
                raise
    finally:
        remove_folder(fresh)
    return PREFIX + name


def _copy(source: str, files: Iterator[_File], target: str) -> str:
    """Hash the files, and write them below `target` unless that is empty."""
    digest = hashlib.blake2b(digest_size=16)
    total = 0
    for count, file in enumerate(sorted(files, key=lambda file: file.path), 1):
        if count > limits.PACKAGE_FILES_MAX:
            raise PackageError(f"{source!r} has more than {limits.PACKAGE_FILES_MAX:,} files")
        digest.update(f"{file.path}\0{int(file.executable)}\0".encode("utf-8", "surrogateescape"))
        contents = hashlib.blake2b(digest_size=32)
        out = None
        if target:
            path = os.path.join(target, *file.path.split("/"))
            os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
            mode = 0o700 if file.executable else 0o600
            out = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb")
        try:
            with file.open() as reader:
                while chunk := reader.read(_CHUNK_BYTES):
                    total += len(chunk)
                    if total > limits.PACKAGE_BYTES_MAX:
                        limit = limits.PACKAGE_BYTES_MAX >> 20
                        raise PackageError(
                            f"{source!r} holds more than {limit:,} MiB: put data elsewhere, or into the object store"
                        )
                    contents.update(chunk)
                    if out is not None:
                        out.write(chunk)
        finally:
            if out is not None:
                out.close()
        digest.update(contents.digest())
    return digest.hexdigest()


def _files_of_folder(source: str, module: bool, exclusion: Exclusion) -> Iterator[_File]:
    """The files below a folder that are not left out; links are followed, but not in circles."""
    name = os.path.basename(os.path.normpath(source))
    if module and not name.isidentifier():
        raise PackageError(f"{source!r} can't be imported: {name!r} is no name of a module")
    base = f"{name}/" if module else ""
    for path, file in _walk(source, "", (os.path.realpath(source),), exclusion):
        yield file._replace(path=base + path)


def _walk(folder: str, base: str, above: tuple[str, ...], exclusion: Exclusion) -> Iterator[tuple[str, _File]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = base + entry.name
            if entry.name in _LEFT_OUT or exclusion.covers(path, entry.is_dir()):
                continue
            if entry.is_dir():
                real = os.path.realpath(entry.path)
                if real in above:
                    raise PackageError(f"{entry.path!r} leads back to {real!r}, in which it lies")
                yield from _walk(entry.path, f"{path}/", (*above, real), exclusion)
            elif entry.is_file():
                executable = bool(entry.stat().st_mode & stat.S_IXUSR)
                yield path, _File(path, executable, partial(io.FileIO, entry.path))


def _files_of_archive(archive: zipfile.ZipFile, source: str) -> Iterator[_File]:
    entries = archive.infolist()
    declared = sum(entry.file_size for entry in entries)
    if declared > limits.PACKAGE_BYTES_MAX or len(entries) > limits.PACKAGE_FILES_MAX:
        raise PackageError(
            f"{source!r} would unpack to {declared:,} bytes in {len(entries):,} entries; at most "
            f"{limits.PACKAGE_BYTES_MAX:,} and {limits.PACKAGE_FILES_MAX:,} are allowed"
        )
    folders: set[str] = set()
    files: set[str] = set()
    found = []
    for entry in entries:
        path = entry.filename.rstrip("/")
        parts = path.split("/")
        if not path or path.startswith("/") or "\\" in path or "\0" in path or not {"", ".", ".."}.isdisjoint(parts):
            raise PackageError(f"{source!r}: the entry {entry.filename!r} leads out of the archive's own folder")
        mode = entry.external_attr >> 16
        kind = stat.S_IFMT(mode)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise PackageError(f"{source!r}: the entry {entry.filename!r} is a link or a device, not a file or folder")
        if entry.flag_bits & 1:
            raise PackageError(f"{source!r}: the entry {entry.filename!r} is encrypted")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
        if entry.is_dir():
            folders.add(path)
            continue
        if path in files:
            raise PackageError(f"{source!r}: the entry {entry.filename!r} is there twice")
        files.add(path)
        found.append(_File(path, bool(mode & stat.S_IXUSR), partial(archive.open, entry)))
    both = files & folders
    if both:
        raise PackageError(f"{source!r}: {min(both)!r} is a file and a folder")
    yield from found
