"""What a model might say: answers made from the prompt alone, the same every time."""
