"""API keys by the product's own verb: `python -m torture.keys` reads JSON orders, prints the keys."""

import json
import os
import sys
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmgateway.settings")


def main() -> None:
    django.setup()
    from gateway_app.access import create_key

    orders = [_with_decimals(order) for order in json.load(sys.stdin)]
    print(json.dumps([str(create_key(name="torture", **order)) for order in orders]))


def _with_decimals(order: dict[str, Any]) -> dict[str, Any]:
    return {name: Decimal(value) if name.endswith("_usd") else value for name, value in order.items()}


if __name__ == "__main__":
    main()
