"""archive migrate, archive verify: the state of the archive itself."""

from typing import TYPE_CHECKING

import click

from exports import terminal
from exports.commands import common
from exports.config import Config, database_url

if TYPE_CHECKING:
    from sqlalchemy import Engine


@click.command("migrate")
@click.option("--to", "target", metavar="URL", help="Copy the database into this empty one instead.")
@click.option("--reindex", is_flag=True, help="Make the full-text index anew from the stored texts.")
@click.option("--texts", is_flag=True, help="Then read the attachments whose text was not extracted yet.")
@click.option("--store", is_flag=True, help="Then look through ARCHIVE_STORE, and forget what is not there any more.")
@common.format_option("table", "jsonl")
@common.setting_option
def migrate_command(target: str | None, reindex: bool, texts: bool, store: bool, form: str) -> None:
    """Bring the database to this program's schema, or copy it to another database.

    With --to every table is copied in one transaction and compared, row by row, with where it came from. The files stay
    where they are: afterwards set ARCHIVE_DATABASE_URL to the new database and keep ARCHIVE_DIR.

    With --store every object in the store is read; what is missing or damaged there is copied again from ARCHIVE_DIR.

    \b
    Example: archive migrate
             archive migrate --to postgresql://archive@localhost/archive
    """
    from sqlalchemy.orm import Session

    from exports import lock
    from exports.database import revision
    from exports.database.migrate import upgrade
    from exports.database.session import open_engine
    from exports.index.maintain import rebuild
    from exports.store.places import Places
    from exports.texts.keeping import extract_all

    config = common.configuration()
    if target is not None:
        if reindex:
            raise click.UsageError("--reindex is not allowed with --to, which makes the index in the new database")
        if store:
            raise click.UsageError("--store looks through the store, --to copies the database: one of them is allowed")
        if texts:
            raise click.UsageError("--texts reads this archive's files, --to copies it: one of them is allowed")
        _transfer(config, target, form)
        return
    if store and not config.store:
        raise click.UsageError("--store: there is none, set ARCHIVE_STORE")
    open_engine(config.database_url, read_only=True).dispose()  # refuses a missing archive, which writing would create
    engine = open_engine(config.database_url)
    try:
        upgrade(engine)
        if reindex:
            with Session(engine) as session, session.begin():
                lock.alone(session)
                articles = rebuild(session)
            common.tell(form, f"the texts of {articles} articles are indexed anew", did="reindex", articles=articles)
        common.tell(form, "the schema is up to date", did="upgrade", revision=revision.known()[-1])
        if store:
            _look_through_store(engine, config, form)
        outcomes = extract_all(engine, Places(config)) if texts else None
    finally:
        engine.dispose()
    if outcomes is not None:
        read, without = outcomes.pop("read", 0), dict(outcomes.most_common())
        line = f"texts of attachments: {read} read, {outcomes.total()} without"
        common.tell(form, line, did="texts", read=read, without=without)
        for reason, count in without.items() if form == "table" else ():
            terminal.print_line(f"  {count} x {reason}")


def _look_through_store(engine: "Engine", config: Config, form: str) -> None:
    from exports.store.uploading import forget, upload

    kept, lost = forget(engine, config)
    line = f"files in {config.store} that are as they should be: {kept}, that are not: {lost}"
    common.tell(form, line, did="check the store", kept=kept, lost=lost)
    copied = upload(engine, config)
    common.tell(form, f"files of {config.directory} copied into it: {copied}", did="fill the store", files=copied)


def _transfer(config: Config, target: str, form: str) -> None:
    from exports.transfer import transfer

    copied = transfer(config, database_url(target, "--to"))
    for table in copied:
        line = f"{table.table:<20} {table.rows:>10} rows, digest {table.digest}"
        common.tell(form, line, did="copy", **vars(table))
    if form != "table":
        return
    rows = sum(table.rows for table in copied)
    terminal.print_line(f"{rows} rows copied; every table has the same rows in both databases")
    terminal.print_line("now set ARCHIVE_DATABASE_URL to the new database; the files stay in ARCHIVE_DIR")


@click.command("verify")
@click.option("--store", "with_store", is_flag=True, help="Read every object in ARCHIVE_STORE too.")
@common.format_option("table", "jsonl", "csv")
@common.setting_option
def verify_command(with_store: bool, form: str) -> None:
    """Check the archive against its own evidence, without the network; exit code 1 where there is a problem.

    What is not in ARCHIVE_DIR is read from ARCHIVE_STORE, where one is set.

    \b
    Example: archive verify
    """
    from exports.verify import verify

    verification = verify(common.configuration(), with_store=with_store)
    if form != "table":
        if common.write_rows(form, map(vars, verification)):
            raise click.exceptions.Exit(1)
        return
    problems = 0
    for problem in verification:
        problems += 1
        terminal.print_line(str(problem))
    counted = f"{problems} problem{'' if problems == 1 else 's'}" if problems else "no problem"
    terminal.print_line(f"{verification.checked} things checked, {counted}")
    if problems:
        raise click.exceptions.Exit(1)
