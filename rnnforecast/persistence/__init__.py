"""Fitted models in files that hold no code: `save` and `load`.

A model file is a safetensors file: arrays, and one string of JSON in its header that says what they belong to. What it
describes is built from a closed list of classes, each with the fields that it may have and their kinds; nothing is
executed, imported by name or unpickled.
"""

from rnnforecast.persistence.files import ModelFileError
from rnnforecast.persistence.models import load, save

__all__ = ["ModelFileError", "load", "save"]
