"""What can go wrong with a prompt.

PromptError
├── PromptNotFound          no such prompt, or nothing published yet
├── VersionNotFound         the prompt has no such published version
├── VariablesInvalid        missing, unknown or wrong values; names them all
├── TemplateInvalid         the template itself does not parse
├── RegistryUnavailable     no snapshot has ever been loaded
└── ChangeRefused           a write that a rule forbids
    └── EditConflict        somebody else changed the row first
"""


class PromptError(Exception):
    """Not raised itself. `code` is stable and machine-readable, the message is for people."""

    code = "prompt_error"
    param: str | None = None


class PromptNotFound(PromptError):
    code = "prompt_not_found"


class VersionNotFound(PromptError):
    code = "prompt_version_not_found"


class VariablesInvalid(PromptError):
    code = "variables_invalid"
    param = "variables"


class TemplateInvalid(PromptError):
    code = "template_invalid"


class RegistryUnavailable(PromptError):
    code = "registry_unavailable"


class ChangeRefused(PromptError):
    code = "change_refused"


class EditConflict(ChangeRefused):
    code = "edit_conflict"
