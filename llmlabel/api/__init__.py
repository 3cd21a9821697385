"""The HTTP interface: `create_app(application)`."""

from llmlabel.api.app import create_app
from llmlabel.api.service import Service

__all__ = ["Service", "create_app"]
