"""What exactly is to be asked: the prompt version's words and parameters under the caller's."""

import time
from typing import Any, cast

import msgspec
import structlog

from gateway_app.calls import Call
from gateway_app.catalogue import Catalogue, ModelCard
from gateway_app.exceptions import InvalidRequest
from gateway_app.types import CompletionRequest, Message, Parameters, Role
from prompts_app.exceptions import TemplateInvalid, VariablesInvalid
from prompts_app.registry import Registry, ResolvedPrompt
from prompts_app.snapshot import PromptEntry

log = structlog.get_logger()

NOTHING_SAID = Parameters()
NAMES = Parameters.__struct_fields__
UNSAID = msgspec.structs.astuple(NOTHING_SAID)


async def resolve(
    call: Call, registry: Registry, catalogue: Catalogue, *, default_model: str
) -> tuple[CompletionRequest, ModelCard]:
    """Fills in what `call` now knows. Raises `PromptError`, `ModelNotFound` or `InvalidRequest`."""
    request = call.request
    messages, parameters, model = request.messages, request.defaults, request.model
    if request.prompt_name is not None:
        prompt = await _prompt(call, registry)
        messages = (
            tuple(Message(role=cast(Role, turn.role), content=turn.content) for turn in prompt.messages)
            + messages
        )
        parameters = overlay(parameters, _version_parameters(prompt))
        model = model or prompt.model
    call.model = model or default_model
    request.caller.require_model(call.model)
    card = catalogue.card(call.model)
    parameters = overlay(parameters, request.parameters)
    call.provider, call.messages, call.parameters = card.provider, messages, parameters
    call.did("resolve")
    return CompletionRequest(model=call.model, messages=messages, parameters=parameters), card


async def _prompt(call: Call, registry: Registry) -> ResolvedPrompt:
    request = call.request
    assert request.prompt_name is not None
    request.caller.require_prompt(request.prompt_name)
    began = time.perf_counter()
    try:
        prompt = await registry.aresolve(
            request.prompt_name,
            variables=request.variables,
            version=request.prompt_version,
            unit=request.unit,
            allow_drafts=request.allow_drafts,
        )
    except (VariablesInvalid, TemplateInvalid):
        _blame(call, registry.prompt(request.prompt_name))
        raise
    call.prompt_version, call.phase, call.arm_reason = prompt.version, prompt.phase, prompt.arm_reason
    log.info(
        "prompt_rendered",
        prompt=prompt.prompt_name,
        version=prompt.version,
        phase=prompt.phase,
        reason=prompt.arm_reason,
        ms=round((time.perf_counter() - began) * 1000, 3),
    )
    return prompt


def _blame(call: Call, prompt: PromptEntry) -> None:
    """A version that cannot be filled has failed this call, and its figures must say so."""
    request = call.request
    if request.prompt_version is not None:
        version, reason = request.prompt_version, "pinned by caller"
    else:
        chosen, reason = prompt.choose(unit=request.unit)
        version = chosen.label
    call.prompt_version, call.phase, call.arm_reason = version, prompt.phase, reason


def _version_parameters(prompt: ResolvedPrompt) -> Parameters:
    given: dict[str, Any] = dict(prompt.parameters)
    if prompt.response_schema:
        given["response_schema"] = prompt.response_schema
    try:
        return msgspec.convert(given, Parameters)
    except msgspec.ValidationError as exc:
        raise InvalidRequest(
            f"the parameters of {prompt.prompt_name} {prompt.version} are wrong: {exc}", param="parameters"
        ) from exc


def overlay(under: Parameters, over: Parameters) -> Parameters:
    """`over` where it says something, `under` elsewhere."""
    if under == NOTHING_SAID:
        return over
    if over == NOTHING_SAID:
        return under
    said = msgspec.structs.astuple(over)
    chosen = {name: value for name, value, unsaid in zip(NAMES, said, UNSAID, strict=True) if value != unsaid}
    return msgspec.structs.replace(under, **chosen)
