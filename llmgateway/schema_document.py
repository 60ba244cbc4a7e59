"""The document at `/schema/`, which is the same for everybody."""

from threading import Lock
from typing import Any, ClassVar

from drf_spectacular.generators import SchemaGenerator


class SharedSchema(SchemaGenerator):
    """Made once in a process. Two threads that make the first one at the same time get in each other's way:

    drf-spectacular looks its extensions' targets up then, and overwrites their names with what it finds.
    """

    _made: ClassVar[dict[bool, Any]] = {}
    _turn: ClassVar[Lock] = Lock()

    def get_schema(self, request: Any = None, public: bool = False) -> Any:
        with self._turn:
            if public not in self._made:
                self.api_version = None  # which the first who asks may have chosen
                self._made[public] = super().get_schema(request, public)
        return self._made[public]
