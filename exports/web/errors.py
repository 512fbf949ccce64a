"""What a page answers instead of itself. Each holds the key of a text (texts.py) and what the text names."""


class Refusal(Exception):
    """Base class; raised by the pages, shown by app.py in the reader's language."""

    status = 400

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


class BadInput(Refusal):
    """An argument of the address with an impossible value. Raised by arguments.py and the pages."""


class NotThere(Refusal):
    """The archive has no such thing. Raised by the pages."""

    status = 404


class Unavailable(Refusal):
    """The database is missing, locked, of another version, or too slow. Raised by room.py."""

    status = 503
