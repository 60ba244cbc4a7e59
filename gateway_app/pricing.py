"""What a call costs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from gateway_app.types import Usage

Part = Literal["input", "audio input", "cached input", "cached audio", "output", "audio output", "thinking"]
MILLION = Decimal(1_000_000)
LONG_CONTEXT = 200_000
"""Input tokens above which a vendor's long-context tier holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """USD per million tokens."""

    input: Decimal
    output: Decimal
    """Thinking included."""
    cached: Decimal | None = None
    """None: the vendor gives no discount, cached tokens cost what input costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioRates:
    """USD per million tokens of sound. None: they cost what other tokens cost."""

    input: Decimal | None = None
    cached: Decimal | None = None
    """None, where `input` is known: the vendor gives no discount on it."""
    output: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    standard: Rates
    long_context: Rates | None = None
    """Holds for the whole call once its input exceeds `LONG_CONTEXT` tokens."""
    audio: AudioRates = AudioRates()
    """However long the input is."""
    id: int | None = None
    """Of the ledger's price row; None for a price that is only in the catalogue's file."""

    def rates(self, input_tokens: int) -> Rates:
        """Those of a call with so much input."""
        return self.long_context if self.long_context and input_tokens > LONG_CONTEXT else self.standard


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a call's bill."""

    what: Part
    tokens: int
    rate: Decimal
    """USD per million tokens."""

    @property
    def cost(self) -> Decimal:
        """USD, exact."""
        return self.tokens * self.rate / MILLION


def parts(usage: Usage) -> dict[Part, int]:
    """Tokens, each in one part. Where the vendor does not say what it had cached: text before sound."""
    text = usage.input_tokens - usage.input_audio_tokens
    cached_audio = max(usage.cached_audio_tokens, usage.cached_tokens - text)
    audio = usage.input_audio_tokens - cached_audio
    return {
        "input": usage.input_tokens - usage.cached_tokens - audio,
        "audio input": audio,
        "cached input": usage.cached_tokens - cached_audio,
        "cached audio": cached_audio,
        "output": usage.output_tokens - usage.output_audio_tokens,
        "audio output": usage.output_audio_tokens,
        "thinking": usage.thinking_tokens,
    }


def bill(usage: Usage, price: Price) -> tuple[Line, ...]:
    """What is charged for, each token in one line; a line of sound is there only where there is some."""
    rates, audio = price.rates(usage.input_tokens), price.audio
    cached = _known(rates.cached, rates.input)
    rate: dict[Part, Decimal] = {
        "input": rates.input,
        "audio input": _known(audio.input, rates.input),
        "cached input": cached,
        "cached audio": _known(audio.cached, audio.input, cached),
        "output": rates.output,
        "audio output": _known(audio.output, rates.output),
        "thinking": rates.output,
    }
    return tuple(
        Line(what=part, tokens=tokens, rate=rate[part])
        for part, tokens in parts(usage).items()
        if tokens or "audio" not in part
    )


def cost(usage: Usage, price: Price | None) -> Decimal | None:
    """USD, exact; None where the price is not known, which is never the same as free."""
    if price is None:
        return None
    if (
        usage.cached_tokens
        or usage.input_audio_tokens
        or usage.cached_audio_tokens
        or usage.output_audio_tokens
    ):
        return sum((line.cost for line in bill(usage, price)), start=Decimal(0))
    output = usage.output_tokens + usage.thinking_tokens
    return cost_of_text(price, input_tokens=usage.input_tokens, output_tokens=output)


def cost_of_text(price: Price, *, input_tokens: int, output_tokens: int) -> Decimal:
    """USD, exact, where nothing is cached and nothing is sound: a bill in a tenth of its time."""
    rates = price.rates(input_tokens)
    return (input_tokens * rates.input + output_tokens * rates.output) / MILLION


def _known(*rates: Decimal | None) -> Decimal:
    """The first that there is; the last one always is."""
    return next(rate for rate in rates if rate is not None)
