"""Tools that questions about a city make a model call."""

WEATHER = {
    "name": "get_weather",
    "description": "Tells the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME = WEATHER | {"name": "get_time", "description": "Tells the time in a city"}
