"""What a caller may put into `model`."""

from gateway_app.catalogue import Catalogue
from gateway_app.exceptions import ModelNotFound
from gateway_app.requests import Caller
from gateway_app.v1.names import PREFIX, prompt_name
from gateway_app.v1.replies import ModelEntry, ModelList
from prompts_app.exceptions import PromptNotFound
from prompts_app.registry import Registry
from prompts_app.snapshot import PromptEntry

PROMPTS = "prompts"
"""Who owns them, where a vendor owns a model."""


def model_list(catalogue: Catalogue, registry: Registry, caller: Caller) -> ModelList:
    """The catalogue's models and the live prompts that `caller` may use. Raises `RegistryUnavailable`."""
    models = [_model(name, card.provider) for name, card in catalogue.cards.items() if caller.may_use(name)]
    live = (entry for entry in registry.prompts() if entry.live() and caller.may_run(entry.name))
    return ModelList(data=models + [_prompt(PREFIX + entry.name, entry) for entry in live])


def model_entry(model: str, catalogue: Catalogue, registry: Registry, caller: Caller) -> ModelEntry:
    """Raises `ModelNotFound`, or `PromptError` for a prompt or version that `caller` cannot call."""
    prompt = prompt_name(model)
    if prompt is None:
        if not caller.may_use(model):
            raise ModelNotFound(f"no provider serves the model {model[:100]!r}", param="model")
        return _model(model, catalogue.card(model).provider)
    if not caller.may_run(prompt.name):
        raise PromptNotFound(f"there is no prompt {prompt.name}")
    entry = registry.prompt(prompt.name)
    if prompt.version:
        entry.version(prompt.version)
    else:
        entry.choose(unit="")
    return _prompt(model, entry)


def _model(name: str, provider: str) -> ModelEntry:
    return ModelEntry(id=name, owned_by=provider, created=0)


def _prompt(model: str, entry: PromptEntry) -> ModelEntry:
    return ModelEntry(id=model, owned_by=PROMPTS, created=int(entry.updated_at.timestamp()))
