"""Prompt files on their way through a browser: one YAML file, or a zip of `<name>/<version>.yaml`."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from prompts_app.yaml_files import MAX_FILE_BYTES, FileInvalid, PromptFile, dump, parse

MAX_FILES = 2000
MAX_BYTES = 16 * 1024 * 1024
"""Of an upload, and of all its files unpacked."""
MAX_SIZE = 500_000
"""Values in all its files."""
WRITTEN = (1980, 1, 1, 0, 0, 0)
"""The same files make the same zip, byte for byte."""


def pack(files: Iterable[PromptFile]) -> bytes:
    """A zip of the files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            info = zipfile.ZipInfo(f"{file.name}/{file.version}.yaml", WRITTEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, dump(file))
    return buffer.getvalue()


def unpack(data: bytes, *, name: str) -> list[PromptFile]:
    """The prompt files in an upload called `name`; what is no YAML in a zip is passed over.

    Raises `FileInvalid` for the first file that is wrong and for a zip that is damaged or too large.
    """
    if len(data) > MAX_BYTES:
        raise FileInvalid(f"{name}: larger than {MAX_BYTES // 1024**2} MB")
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return [parse(data, source=name)]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return list(_read_all(archive, name))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as exc:
        raise FileInvalid(f"{name}: this zip cannot be read: {exc}") from exc


def _members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    members = [info for info in archive.infolist() if info.filename.endswith(".yaml")]
    if len(members) > MAX_FILES or sum(info.file_size for info in members) > MAX_BYTES:
        raise FileInvalid(f"{name}: unpacks to more than {MAX_FILES} files or {MAX_BYTES // 1024**2} MB")
    return members


def _read_all(archive: zipfile.ZipFile, name: str) -> Iterator[PromptFile]:
    size = 0
    for info in _members(archive, name):
        file = _read(archive, info)
        size += file.size
        if size > MAX_SIZE:
            raise FileInvalid(f"{name}: holds more than {MAX_SIZE} values")
        yield file


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> PromptFile:
    path = PurePosixPath(info.filename)
    source = "/".join(path.parts[-2:])
    with archive.open(info) as member:
        # The size that the zip states may be a lie.
        file = parse(member.read(MAX_FILE_BYTES + 1), source=source)
    if (file.name, file.version) != (path.parent.name, path.stem):
        raise FileInvalid(
            f"{source}: holds {file.name} {file.version}; the path must be <name>/<version>.yaml"
        )
    return file
