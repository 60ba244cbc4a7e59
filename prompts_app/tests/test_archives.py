import io
import time
import zipfile

import pytest

from prompts_app.archives import MAX_FILES, MAX_SIZE, pack, unpack
from prompts_app.content import VersionContent
from prompts_app.yaml_files import MAX_FILE_BYTES, FileInvalid, PromptFile, dump

FILES = [
    PromptFile(
        name="greeter",
        version=version,
        description="Says hello.",
        content=VersionContent(user=f"{version} {{{{name}}}}"),
        source=f"greeter/{version}.yaml",
    )
    for version in ("v1", "v2")
]


def zipped(**members: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


def test_what_is_packed_is_unpacked() -> None:
    assert unpack(pack(FILES), name="x.zip") == FILES


def test_the_same_files_make_the_same_zip() -> None:
    assert pack(FILES) == pack(FILES)


def test_a_single_yaml_file_needs_no_zip() -> None:
    assert [file.version for file in unpack(dump(FILES[0]), name="any.yaml")] == ["v1"]


def test_the_folder_may_lie_in_another_and_other_files_are_passed_over() -> None:
    data = zipped(**{"repo__prompts__greeter__v1.yaml": dump(FILES[0]), "README.md": "hello"})
    assert [file.source for file in unpack(data, name="x.zip")] == ["greeter/v1.yaml"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zipped(**{"other__v1.yaml": dump(FILES[0])}), "other/v1.yaml: holds greeter v1"),
        (zipped(**{"greeter__v1.yaml": "name: ["}), "greeter/v1.yaml:1: "),
        (zipped(**{"greeter__v1.yaml": b"x" * (MAX_FILE_BYTES + 1)}), "larger than 512 kB"),
        (
            zipped(**{f"a__v{number}.yaml": "" for number in range(MAX_FILES + 1)}),
            "unpacks to more than 2000 files",
        ),
        (zipped(**{f"a__v{number}.yaml": b"\0" * 1_000_000 for number in range(20)}), "or 16 MB"),
        (zipped(a="x" * 5000)[:80] + zipped(a="x")[-60:], "cannot be read"),
        (b"x" * (16 * 1024 * 1024 + 1), "larger than 16 MB"),
        (b"\x89PNG", "not UTF-8"),
    ],
)
def test_what_is_wrong_with_an_upload_is_named(data: bytes, says: str) -> None:
    with pytest.raises(FileInvalid, match=says):
        unpack(data, name="x.zip")


def test_a_zip_of_files_that_are_slow_to_read_is_left_off() -> None:
    listed = (
        b"name: a\nversion: v%d\nuser: x\nvariables: {properties: {x: {enum: [" + b"1," * 60_000 + b"1]}}}\n"
    )
    data = zipped(**{f"a__v{number}.yaml": listed % number for number in range(30)})
    began = time.process_time()
    with pytest.raises(FileInvalid, match=f"x.zip: holds more than {MAX_SIZE} values"):
        unpack(data, name="x.zip")
    assert time.process_time() - began < 30
