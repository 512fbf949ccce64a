"""The commands of `archive`: they parse arguments and print; the answers come from exports.query."""
