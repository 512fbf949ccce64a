"""The option every command has: where the archive lies."""

import click

SETTINGS = ("ARCHIVE_DIR", "ARCHIVE_DATABASE_URL", "ARCHIVE_STORE")


def _remember(context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> None:
    settings = context.ensure_object(dict)
    for text in given:
        name, equals, value = text.partition("=")
        if name not in SETTINGS or not equals:
            raise click.BadParameter(f"{text!r}: allowed are {', '.join(f'{name}=VALUE' for name in SETTINGS)}")
        settings[name] = value


setting_option = click.option(
    "-s",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    expose_value=False,
    callback=_remember,
    help="Set ARCHIVE_DIR, ARCHIVE_DATABASE_URL or ARCHIVE_STORE; beats the environment variable of that name.",
)
