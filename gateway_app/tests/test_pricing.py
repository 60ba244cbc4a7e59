"""What a call costs, to the last digit."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway_app import catalogue
from gateway_app.exceptions import ModelNotFound
from gateway_app.pricing import AudioRates, Price, Rates, bill, cost, parts
from gateway_app.testing.replay import Exchange, ReplayServer, read_exchanges
from gateway_app.tests.conftest import RECORDINGS, OpenGemini, ask, completion_of
from gateway_app.types import Usage
from llmgateway.env import ROOT

FLASH = Price(standard=Rates(input=Decimal("0.30"), cached=Decimal("0.03"), output=Decimal("2.50")))
OWN = Path(__file__).parent / "exchanges"
RATES = {
    # USD per million tokens: input, cached input, output
    "gemini-2.0-flash": ("0.10", "0.10", "0.40"),
    "gemini-2.5-flash": ("0.30", "0.03", "2.50"),
    "gemini-2.5-flash-lite": ("0.10", "0.01", "0.40"),
    "gemini-2.5-pro": ("1.25", "0.125", "10.00"),
    "gemini-3-flash-preview": ("0.50", "0.05", "3.00"),
    "gemini-3-pro-preview": ("2.00", "0.20", "12.00"),
    "gemini-3.1-flash-lite": ("0.25", "0.025", "1.50"),
    "gemini-3.5-flash": ("1.50", "0.15", "9.00"),
    "gemini-3.6-flash": ("0.75", "0.075", "3.75"),
}
"""Kept apart from the catalogue, to check it and the code against. No exchange is in a long-context tier."""
AUDIO_RATES = {
    # Input, cached input. Of models without an entry sound costs what text costs.
    "gemini-2.0-flash": ("0.70", "0.70"),
    "gemini-2.5-flash": ("1.00", "0.10"),
    "gemini-2.5-flash-lite": ("0.30", "0.03"),
    "gemini-3-flash-preview": ("1.00", "0.10"),
    "gemini-3.1-flash-lite": ("0.50", "0.05"),
}
BROKEN = {"no-candidates", "ends-without-a-finish-reason", "error-in-mid-stream"}
PRO = Price(
    standard=Rates(input=Decimal("1.25"), cached=Decimal("0.125"), output=Decimal(10)),
    long_context=Rates(input=Decimal("2.50"), cached=Decimal("0.25"), output=Decimal(15)),
)


def test_cached_input_is_cheaper_and_counted_once() -> None:
    usage = Usage(input_tokens=1000, cached_tokens=400, output_tokens=100)
    assert (
        cost(usage, FLASH) == (600 * Decimal("0.30") + 400 * Decimal("0.03") + 100 * Decimal("2.50")) / 10**6
    )


def test_a_bill_has_every_token_in_one_line_and_adds_up_to_the_cost() -> None:
    usage = Usage(input_tokens=1000, cached_tokens=400, output_tokens=100, thinking_tokens=50)
    lines = bill(usage, FLASH)
    assert [(line.what, line.tokens) for line in lines] == [
        ("input", 600),
        ("cached input", 400),
        ("output", 100),
        ("thinking", 50),
    ]
    assert sum(line.cost for line in lines) == cost(usage, FLASH)


@pytest.mark.parametrize("tokens", [0, 7, 200_000, 200_001])
def test_a_call_of_plain_text_costs_what_its_bill_says(tokens: int) -> None:
    usage = Usage(input_tokens=tokens, output_tokens=13, thinking_tokens=5)
    for price in (FLASH, PRO):
        assert cost(usage, price) == sum(line.cost for line in bill(usage, price))


def test_sound_has_lines_and_rates_of_its_own() -> None:
    price = replace(FLASH, audio=AudioRates(input=Decimal(1), cached=Decimal("0.1"), output=Decimal(12)))
    usage = Usage(
        input_tokens=1000,
        cached_tokens=400,
        output_tokens=100,
        input_audio_tokens=700,
        cached_audio_tokens=300,
        output_audio_tokens=60,
    )
    assert [(line.what, line.tokens, line.rate) for line in bill(usage, price)] == [
        ("input", 200, Decimal("0.30")),
        ("audio input", 400, Decimal(1)),
        ("cached input", 100, Decimal("0.03")),
        ("cached audio", 300, Decimal("0.1")),
        ("output", 40, Decimal("2.50")),
        ("audio output", 60, Decimal(12)),
        ("thinking", 0, Decimal("2.50")),
    ]


def test_sound_costs_what_text_costs_where_the_price_says_nothing_of_it() -> None:
    spoken = Usage(
        input_tokens=50, input_audio_tokens=40, cached_tokens=20, output_tokens=9, output_audio_tokens=9
    )
    assert cost(spoken, FLASH) == cost(Usage(input_tokens=50, cached_tokens=20, output_tokens=9), FLASH)


def test_of_a_cached_part_that_the_vendor_does_not_split_text_comes_first() -> None:
    found = parts(Usage(input_tokens=100, cached_tokens=70, input_audio_tokens=60))
    assert (found["input"], found["cached input"]) == (0, 40)
    assert (found["audio input"], found["cached audio"]) == (30, 30)


def test_thinking_is_billed_as_output() -> None:
    thought = cost(Usage(output_tokens=10, thinking_tokens=90), FLASH)
    assert thought == cost(Usage(output_tokens=100), FLASH)


@pytest.mark.parametrize(("tokens", "rate"), [(200_000, "1.25"), (200_001, "2.50")])
def test_long_context_has_its_own_tier_for_the_whole_call(tokens: int, rate: str) -> None:
    assert cost(Usage(input_tokens=tokens), PRO) == tokens * Decimal(rate) / 10**6


def test_without_a_discount_cached_input_costs_what_input_costs() -> None:
    price = Price(standard=Rates(input=Decimal("0.10"), output=Decimal("0.40")))
    assert cost(Usage(input_tokens=10, cached_tokens=10), price) == cost(Usage(input_tokens=10), price)


def test_an_unknown_price_is_no_cost_at_all_and_never_zero() -> None:
    assert cost(Usage(input_tokens=10), None) is None


def test_the_shipped_catalogue_says_what_a_model_costs() -> None:
    shipped = catalogue.load(ROOT / "fixtures" / "models.yaml")
    assert cost(
        Usage(input_tokens=10**6, output_tokens=10**6), shipped.card("gemini-2.5-flash").price
    ) == Decimal("2.80")


def test_every_fallback_of_the_shipped_catalogue_is_a_model_of_it() -> None:
    cards = catalogue.load(ROOT / "fixtures" / "models.yaml").cards
    assert {name for card in cards.values() for name in card.fallbacks} <= set(cards)


def test_a_model_newer_than_the_catalogue_is_served_at_an_unknown_price() -> None:
    card = catalogue.load(ROOT / "fixtures" / "models.yaml").card("gemini-99-ultra")
    assert (card.provider, card.price) == ("gemini", None)


@pytest.mark.parametrize("name", ["no-such-model", "gemini-x/../y", "gemini-x?key=", ""])
def test_a_model_that_nobody_serves_is_refused(name: str) -> None:
    shipped = catalogue.load(ROOT / "fixtures" / "models.yaml")
    with pytest.raises(ModelNotFound):
        shipped.card(name)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"models": {"m": {}}},
        {"models": {"m": {"provider": "p", "price": {"input": 1}}}},
        {"models": {"m": {"provider": "p", "price": {"input": "x", "output": 1}}}},
        {"models": {"m": {"provider": "p", "price": {"input": 1, "output": 1, "audio": {"loud": 1}}}}},
    ],
)
def test_a_wrong_catalogue_is_refused(document: object, tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(json.dumps(document))
    with pytest.raises(catalogue.CatalogueInvalid):
        catalogue.load(path)


def last_counts(exchange: Exchange) -> dict[str, Any]:
    """The reply's final `usageMetadata`, read without the code under test."""
    if exchange.response_sse is None:
        return (exchange.response or {})["usageMetadata"]
    lines = exchange.response_sse.replace("\r\n", "\n").split("\n")
    documents = [json.loads(line[5:]) for line in lines if line.startswith("data:")]
    return [document["usageMetadata"] for document in documents if "usageMetadata" in document][-1]


def worked_out(exchange: Exchange) -> Decimal | None:
    """What Google bills for the exchange, from its raw counts."""
    if exchange.model not in RATES:
        return None
    counts, (fresh, cached, output) = last_counts(exchange), map(Decimal, RATES[exchange.model])
    heard, heard_again = map(Decimal, AUDIO_RATES.get(exchange.model, (fresh, cached)))
    sent = counts.get("promptTokenCount", 0) + counts.get("toolUsePromptTokenCount", 0)
    reused = counts.get("cachedContentTokenCount", 0)
    written = counts.get("candidatesTokenCount", 0) + counts.get("thoughtsTokenCount", 0)
    sound, sound_reused = of_sound(counts, "promptTokensDetails"), of_sound(counts, "cacheTokensDetails")
    text, text_reused = sent - sound, reused - sound_reused
    read = (text - text_reused) * fresh + text_reused * cached
    return (read + (sound - sound_reused) * heard + sound_reused * heard_again + written * output) / 1_000_000


def of_sound(counts: dict[str, Any], details: str) -> int:
    return sum(each["tokenCount"] for each in counts.get(details, ()) if each["modality"] == "AUDIO")


async def priced(path: Path, open_gemini: OpenGemini) -> tuple[int, int]:
    """Replays the finished exchanges of a file; returns how many had a known price, and an unknown one."""
    models = catalogue.load(ROOT / "fixtures" / "models.yaml")
    whole = [exchange for exchange in read_exchanges(path) if exchange.name not in BROKEN]
    known = 0
    async with ReplayServer(whole) as server, open_gemini(server.url) as gemini:
        for exchange in whole:
            streamed = exchange.response_sse is not None
            completion = await completion_of(gemini, ask("Hi", exchange.model), whole=not streamed)
            charged = cost(completion.usage, models.card(exchange.model).price)
            assert charged == worked_out(exchange), exchange.name
            known += charged is not None
    return known, len(whole) - known


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no recorded traffic in {RECORDINGS}")
async def test_every_recorded_call_costs_what_its_raw_counts_say(open_gemini: OpenGemini) -> None:
    found = [await priced(path, open_gemini) for path in sorted(RECORDINGS.glob("*.jsonl"))]
    assert [sum(column) for column in zip(*found, strict=True)] == [169, 5]


@pytest.mark.parametrize("name", ["whole", "streams"])
async def test_the_projects_own_exchanges_cost_what_their_raw_counts_say(
    name: str, open_gemini: OpenGemini
) -> None:
    known, _ = await priced(OWN / f"{name}.jsonl", open_gemini)
    assert known > 5
