"""The models that the simulator serves, and what each of them does."""

import re
from dataclasses import dataclass
from typing import Any

GENERATION = ("generateContent", "streamGenerateContent", "countTokens")
OUTPUT_TOKEN_LIMIT = 65_536
EMBEDDING = ("embedContent", "batchEmbedContents", "countTokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    name: str
    methods: tuple[str, ...] = GENERATION

    @property
    def version(self) -> float:
        found = re.search(r"\d+(\.\d+)?", self.name)
        return float(found[0]) if found else 0.0

    @property
    def can_think(self) -> bool:
        return "generateContent" in self.methods and self.version >= 2.5

    @property
    def thinks_unasked(self) -> bool:
        return self.can_think and "lite" not in self.name

    @property
    def checks_signatures(self) -> bool:
        """Whether a function call of the current turn must come back with its `thoughtSignature`."""
        return self.version >= 3 and self.can_think

    def described(self) -> dict[str, Any]:
        """The entry of models.list."""
        tuning = {"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2, "thinking": self.can_think}
        return {
            "name": f"models/{self.name}",
            "version": "001",
            "displayName": self.name.replace("-", " ").title(),
            "description": f"A simulation of {self.name}",
            "inputTokenLimit": 1_048_576 if self.methods == GENERATION else 2048,
            "outputTokenLimit": OUTPUT_TOKEN_LIMIT if self.methods == GENERATION else 1,
            "supportedGenerationMethods": list(self.methods),
        } | (tuning if self.methods == GENERATION else {})


_GENERATORS = """
gemini-2.0-flash gemini-2.0-flash-lite gemini-2.5-flash gemini-2.5-flash-lite gemini-2.5-pro
gemini-3-flash-preview gemini-3-pro-preview gemini-3.1-flash-lite gemini-3.1-pro-preview
gemini-3.5-flash gemini-3.5-flash-lite gemini-3.6-flash gemini-3.7-flash
"""
MODELS = {name: Model(name=name) for name in _GENERATORS.split()} | {
    name: Model(name=name, methods=EMBEDDING) for name in ("gemini-embedding-001", "text-embedding-004")
}


def serving(name: str, method: str) -> Model | None:
    """The model of that name, if it knows `method`."""
    model = MODELS.get(name)
    return model if model and method in model.methods else None
