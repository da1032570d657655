"""What can go wrong when the embedded engine starts; each has a code, a sentence and, where it helps, a next step."""

from __future__ import annotations


class EngineError(Exception):
    """Base of the engine's failures. ``code`` is snake_case; ``str(error)`` one plain sentence with the next step."""

    code = "engine_failed"


class ModelMissing(EngineError):
    """No usable weights on this machine."""

    code = "engine_model_missing"


class ConversionFailed(EngineError):
    """The one-off conversion of the weights did not work."""

    code = "engine_conversion_failed"


class RecognizerFailed(EngineError):
    """The recogniser process did not start or answer."""

    code = "engine_recognizer_failed"


class FaultPlanInvalid(EngineError):
    """The fault plan cannot be read."""

    code = "engine_fault_plan_invalid"
