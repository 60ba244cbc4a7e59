"""Every value from outside is typed, has a default, and is refused in one line where it is wrong."""

import re
from pathlib import Path

import pytest

from llmgateway import env
from llmgateway.env import InvalidEnvironment, read

LEAST = {"DATABASE_URL": "postgresql://user:hidden@db.example.com:5432/name", "SECRET_KEY": "long"}
"""What production must set."""


def test_production_is_the_default() -> None:
    chosen = read(LEAST)
    assert not chosen.debug
    assert chosen.https_only
    assert not chosen.allow_anonymous
    assert chosen.allowed_hosts == [".localhost", "127.0.0.1", "[::1]"]


def test_debug_opens_the_doors() -> None:
    chosen = read({"DATABASE_URL": LEAST["DATABASE_URL"], "DEBUG": "1"})
    assert (chosen.https_only, chosen.allow_anonymous) == (False, True)


def test_an_empty_value_is_the_default() -> None:
    assert read({**LEAST, "CACHE_TTL": " ", "DEFAULT_MODEL": ""}) == read(LEAST)


def test_a_file_is_named_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "masks.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert read({**LEAST, "MASKS_FILE": "masks.yaml"}).masks_file == tmp_path / "masks.yaml"


def test_a_pin_names_its_prompt() -> None:
    assert read({**LEAST, "SUMMARIZER_PROMPT_VERSION": "v2"}).prompt_pins == {"SUMMARIZER": "v2"}


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("DEBUG", "maybe", "1 or 0, not 'maybe'"),
        ("PORT", "0", "a whole number from 1 to 65535, not '0'"),
        ("PORT", "65536", "a whole number from 1 to 65535, not '65536'"),
        ("PORT", "http", "a whole number from 1 to 65535, not 'http'"),
        ("WEB_WORKERS", "0", "a whole number from 1, not '0'"),
        ("CACHE_TTL", "-1", "a whole number from 0, not '-1'"),
        ("CACHE_TTL", "1.5", "a whole number from 0, not '1.5'"),
        ("REQUEST_TIMEOUT", "0", "seconds above 0, at most 3600, not '0'"),
        ("REQUEST_TIMEOUT", "nan", "seconds above 0, at most 3600, not 'nan'"),
        ("LOG_FORMAT", "xml", "one of json, console, not 'xml'"),
        ("CORS_ALLOWED_ORIGINS", "app.example.com", "origins such as https://app.example.com"),
        ("MASKS_FILE", "/nowhere/masks.yaml", "the path of a file, not '/nowhere/masks.yaml'"),
        ("IMAGE_URL_HOSTS", "https://a.example.com", "hosts such as images.example.com"),
        ("IMAGE_URL_HOSTS", "*", "hosts such as images.example.com"),
        ("REDIS_URL", "localhost:6379", "a URL that starts with redis:// or rediss:// or unix://"),
        ("REDIS_URL", "redis://localhost:port/0", "a URL that starts with redis://"),
        ("GEMINI_BASE_URL", "ftp://example.com", "a URL that starts with http:// or https://"),
        ("DATABASE_URL", "mysql://localhost/name", "a URL that starts with postgresql://"),
        ("DATABASE_URL", "postgresql://localhost:99999/name", "a URL that starts with postgresql://"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(name: str, value: str, takes: str) -> None:
    with pytest.raises(InvalidEnvironment) as refused:
        read({**LEAST, name: value})
    assert str(refused.value).startswith(f"{name} takes {takes}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "SECRET_KEY"])
def test_production_needs_it(name: str) -> None:
    with pytest.raises(InvalidEnvironment, match=f"{name} is not set"):
        read({**LEAST, name: ""})


def test_a_refusal_never_repeats_a_password() -> None:
    with pytest.raises(InvalidEnvironment) as refused:
        read({**LEAST, "DATABASE_URL": "mysql://user:hidden@host/name"})
    assert "hidden" not in str(refused.value)


def test_what_is_printed_of_an_environment_holds_no_secret() -> None:
    chosen = read(
        {**LEAST, "SECRET_KEY": "hidden", "GEMINI_API_KEY": "hidden", "REDIS_URL": "redis://:hidden@h"}
    )
    assert "hidden" not in repr(chosen)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=plain", "plain"),
        ("export NAME = spaced ", "spaced"),
        ("NAME='single # kept'", "single # kept"),
        ('NAME="double"', "double"),
        ("NAME=value # comment", "value"),
        ("NAME=has#inside", "has#inside"),
        ("NAME=", ""),
    ],
)
def test_a_file_gives_its_values(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"# heading\n\n{line}\n")
    assert env.read_file(tmp_path / ".env") == {"NAME": value}


def test_a_broken_file_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GOOD=1\nthis is not it\n")
    with pytest.raises(InvalidEnvironment, match=r"\.env line 2 is not NAME=value"):
        env.read_file(tmp_path / ".env")


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidEnvironment, match="cannot be read as text"):
        env.read_file(tmp_path / ".env")


def test_the_process_comes_before_the_files_and_the_first_file_before_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").write_text("A_NAME=first\nB_NAME=first\nC_NAME=\n")
    (tmp_path / "second").write_text("A_NAME=second\nB_NAME=second\nC_NAME=second\n")
    monkeypatch.setenv(env.ENV_FILES, f"{tmp_path / 'first'}:{tmp_path / 'second'}")
    monkeypatch.setenv("A_NAME", "process")
    merged = env.process_environment()
    assert [merged[name] for name in ("A_NAME", "B_NAME", "C_NAME")] == ["process", "first", "second"]


def test_the_example_names_every_variable_in_its_order() -> None:
    example = (env.ROOT / ".env.example").read_text()
    assert re.findall(r"^([A-Z_]+)=", example, re.MULTILINE) == env.names()


def test_the_example_is_accepted_as_it_stands() -> None:
    example = env.read_file(env.ROOT / ".env.example")
    assert read({**example, "DATABASE_URL": LEAST["DATABASE_URL"]}).debug
