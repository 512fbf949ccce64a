"""Why an item is refused; the spider writes the reason into the ledger."""

from scrapy.exceptions import DropItem


class Refused(DropItem):
    """The item is no article that may be stored. Raised by validate.py; the message is the reason."""
