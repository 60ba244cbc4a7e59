"""Pure judgements of one output: frozen dataclasses with their options for fields."""
