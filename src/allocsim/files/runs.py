"""Run folders and single files, written whole or not at all, and the manifest that says what made them."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from allocsim.errors import Text, UsageError
from allocsim.model.scenario import Scenario

DEPENDENCIES = ("numpy", "scipy", "pandas", "pulp", "highspy", "simpy", "pydantic", "matplotlib")
"""The packages whose versions a result may depend on."""
_LEFT = 3_600
"""Age from which a temporary folder is taken for left behind [seconds]."""
_PART = re.compile(r"\..+\.[a-z0-9_]{8}\.part")


def write_run(out: Path | None, root: Path, name: str, files: Mapping[str, bytes | str]) -> Path:
    """Write a run folder and return it; it is whole or absent, even if the process is killed.

    Everything is written into a temporary folder beside the final one, flushed to the disk, and put in place by one
    rename.

    Parameters
    ----------
    out
        The folder to be, made if absent, refused if not empty; None = ``root/name/<UTC time>-<hash>``.
    root
        Folder of all runs.
    name
        The scenario's name.
    files
        Name in the folder (``/`` for folders below) -> contents; text is written as UTF-8.

    Raises
    ------
    UsageError
        If the folder holds something, is a file, or cannot be written.
    """
    contents = {_inside(file): _bytes(content) for file, content in files.items()}
    final = _resolved(out or root / _folder_name(name) / _stamp(contents))
    with _told(final):
        if out is not None:
            _refuse_full(final)
        _refuse_file_above(final)
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final.parent)
        part = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".part", dir=final.parent))
        try:
            for file, data in contents.items():
                (part / file).parent.mkdir(parents=True, exist_ok=True)
                _write_flushed(part / file, data)
            part.chmod(0o777 & ~_umask())
            _flush_folder(part)
            final = _put_in_place(part, final, numbered=out is None)
            _flush_folder(final.parent)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return final


def write_file(path: Path, data: bytes | str) -> Path:
    """Write one file whole or not at all, replacing what was there; return it.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    final = path.absolute()
    with _told(final):
        _refuse_file_above(final)
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=f".{final.name}.", suffix=".part", dir=final.parent)
        os.close(handle)
        try:
            _write_flushed(Path(part), _bytes(data))
            Path(part).chmod(0o666 & ~_umask())
            Path(part).replace(final)
            _flush_folder(final.parent)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    return final


def manifest(scenario: Scenario, arguments: Sequence[str], seed: int | None = None) -> dict[str, Any]:
    """Return what made a run: versions, platform, seed, arguments and the sha256 of every input.

    ``seed`` is that of the settings where none is handed in. The manifest holds no time and no name of a machine, so
    that equal runs have equal manifests.
    """
    versions = {package: _version(package) for package in ("allocsim", *DEPENDENCIES)}
    return {
        "schema": "allocsim.manifest/1",
        "scenario": scenario.name,
        "versions": {package: version for package, version in versions.items() if version is not None},
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "seed": scenario.settings.simulate.seed if seed is None else seed,
        "arguments": list(arguments),
        "inputs": dict(sorted(scenario.inputs.items())),
    }


def check_out(out: Path) -> None:
    """Refuse, before anything is computed, a folder that a run could not be written to.

    Raises
    ------
    UsageError
        If it holds something, is a file, or its place cannot be written.
    """
    final = _resolved(out)
    with _told(final):
        _refuse_full(final)
        _refuse_file_above(final)
        there = next(folder for folder in (final, *final.parents) if folder.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into words for the user."""
    try:
        yield
    except PermissionError as error:
        raise UsageError(
            Text(
                f"no permission to write {path}: choose another place with --out",
                f"没有写入{path}的权限：请用 --out 另选位置",
            )
        ) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(Text(f"cannot write {path}: {reason}", f"无法写入{path}：{reason}")) from error


def _refuse_full(final: Path) -> None:
    if final.is_dir():
        if any(final.iterdir()):
            raise UsageError(
                Text(
                    f"{final} is not empty: name a new or an empty folder",
                    f"{final}不是空文件夹：请指定新的或空的文件夹",
                )
            )
    elif final.exists() or final.is_symlink():
        raise UsageError(Text(f"{final} is a file: name a folder", f"{final}是文件：请指定文件夹"))


def _refuse_file_above(final: Path) -> None:
    """Refuse a place below what is a file."""
    above = next((folder for folder in final.parents if folder.exists()), None)
    if above is not None and not above.is_dir():
        raise UsageError(
            Text(
                f"{above} is a file: nothing can be written below it; name another folder",
                f"{above}是文件，无法在其下写入：请另选文件夹",
            )
        )


def _resolved(path: Path) -> Path:
    """Return a path without links: a folder is put in place of what a link leads to, never of the link."""
    return Path(os.path.realpath(path))


def _sweep(parent: Path) -> None:
    """Remove temporary folders that killed runs have left; a younger one may belong to a run that is writing."""
    with contextlib.suppress(OSError):
        for entry in sorted(parent.iterdir()):
            with contextlib.suppress(OSError):
                left = _PART.fullmatch(entry.name) and entry.is_dir() and not entry.is_symlink()
                if left and time.time() - entry.stat().st_mtime > _LEFT:
                    shutil.rmtree(entry, ignore_errors=True)


def _put_in_place(part: Path, final: Path, *, numbered: bool) -> Path:
    """Rename a finished folder; a second run of the same second and contents gets a number."""
    target, count = final, 1
    while numbered and target.exists():
        count += 1
        target = final.with_name(f"{final.name}-{count}")
    if os.name == "nt" and target.is_dir():
        target.rmdir()
    part.rename(target)
    return target


def _stamp(contents: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for file in sorted(contents):
        digest.update(file.encode() + b"\0" + hashlib.sha256(contents[file]).digest())
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}-{digest.hexdigest()[:8]}"


def _inside(file: str) -> str:
    if not re.fullmatch(r"[^/\\\0]+(/[^/\\\0]+)*", file) or ".." in file.split("/"):
        raise ValueError(f"{file!r} is no name inside a run folder")
    return file


def _folder_name(name: str) -> str:
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", name).strip(". ") or "scenario"


def _bytes(content: bytes | str) -> bytes:
    return content.encode("utf-8") if isinstance(content, str) else content


def _write_flushed(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Flush a folder's entries, where the system lets a folder be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
