"""Prompts: versioned templates, rendered strictly, with the document fenced as data."""

from llmlabel.prompts.fence import fence, restore
from llmlabel.prompts.library import PromptLibrary
from llmlabel.prompts.template import PromptTemplate
from llmlabel.prompts.worked import shown_examples

__all__ = ["PromptLibrary", "PromptTemplate", "fence", "restore", "shown_examples"]
