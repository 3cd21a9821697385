"""Fakes for tests, llmlabel's own and those of its users: no keys, no network, no weights.

`FakeChatModel` stands in for a language model where only its answers matter.
`FakeProvider` is a provider's HTTP server on loopback, for what happens on the way.
"""

from llmlabel.testing.chat_model import FakeChatModel
from llmlabel.testing.faults import Fault
from llmlabel.testing.provider import FakeProvider, ProviderRequest

__all__ = ["FakeChatModel", "FakeProvider", "Fault", "ProviderRequest"]
