"""A whole reply."""

from msgspec import UNSET

from gateway_app.events import Answer
from gateway_app.types import ToolCall
from gateway_app.v1.form import ReplyForm
from gateway_app.v1.replies import ChatCompletion, Choice, FunctionReply, ReplyMessage, ToolCallReply
from gateway_app.v1.shapes import FINISH_REASONS, extra_content, note, usage


def chat_completion(form: ReplyForm, answer: Answer) -> ChatCompletion:
    calls = answer.tool_calls[:1] if form.one_call else answer.tool_calls
    message = ReplyMessage(
        # OpenAI's null means that the calls are all there is.
        content=None if calls and not answer.text else answer.text,
        tool_calls=[_call(call) for call in calls] or UNSET,
    )
    return ChatCompletion(
        id=form.id,
        created=form.created,
        model=form.model,
        choices=[Choice(message=message, finish_reason=FINISH_REASONS[answer.end.finish_reason])],
        usage=usage(answer.end.usage),
        system_fingerprint=form.system_fingerprint,
        x_gateway=note(answer.start, answer.end),
    )


def _call(call: ToolCall) -> ToolCallReply:
    return ToolCallReply(
        id=call.id,
        function=FunctionReply(name=call.name, arguments=call.arguments),
        extra_content=extra_content(call) or UNSET,
    )
