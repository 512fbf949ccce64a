"""archive migrate, archive verify: the state of the archive itself."""

import click

from exports import terminal
from exports.commands import common
from exports.database.session import open_engine


@click.command("migrate")
@common.setting_option
def migrate_command() -> None:
    """Bring the database to this program's schema; the only command that writes to the archive.

    \b
    Example: archive migrate
    """
    from exports.database.migrate import upgrade

    url = common.configuration().database_url
    open_engine(url, read_only=True).dispose()  # refuses a missing archive, which a writing engine would create
    engine = open_engine(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
    terminal.print_line("the schema is up to date")


@click.command("verify")
@common.setting_option
def verify_command() -> None:
    """Check the archive against its own evidence, without the network.

    \b
    Example: archive verify
    """
    from exports.verify import verify

    verification = verify(common.configuration())
    problems = 0
    for problem in verification:
        problems += 1
        terminal.print_line(str(problem))
    counted = f"{problems} problem{'' if problems == 1 else 's'}" if problems else "no problem"
    terminal.print_line(f"{verification.checked} things checked, {counted}")
    if problems:
        raise click.exceptions.Exit(1)
