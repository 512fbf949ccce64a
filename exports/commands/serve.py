"""archive serve: the reading room in a browser."""

import contextlib
import logging
import socket
import webbrowser

import click

from exports.commands import common


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--allow-host", "names", multiple=True, metavar="NAME", help="A further host name it answers to.")
@click.option("--open", "opens", is_flag=True, help="Open it in the browser.")
@common.setting_option
def serve_command(host: str, port: int, names: tuple[str, ...], opens: bool) -> None:
    """Open the reading room: search, read, compare and cite in a browser.

    It only reads. It listens on this machine alone unless --host says otherwise, and answers to localhost, to
    addresses and to the names given by --allow-host. Ctrl-C closes it.

    \b
    Example: archive serve --port 8080
    """
    # a server's imports, which no other command should wait for
    import uvicorn

    from exports.web.app import create_app

    config = common.configuration()
    with common.reading(config):
        pass  # what is wrong with the archive is said here, in one line
    with contextlib.closing(_bound(host, port)) as listener:
        name = f"[{host}]" if ":" in host else host
        address = f"http://{name}:{listener.getsockname()[1]}/"
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(config, names),
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                lifespan="off",
                limit_concurrency=64,
                timeout_keep_alive=5,
                timeout_graceful_shutdown=3,
            )
        )
        logging.basicConfig(level=logging.WARNING, format="archive serve: %(message)s")
        click.echo(f"The reading room is at {address} (Ctrl-C closes it)")
        if opens:
            webbrowser.open(address)
        server.run(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket. Raises click.UsageError naming what is wrong with host or port."""
    try:
        family, _, _, _, target = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(target)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        cause = getattr(error, "strerror", None) or "this is no host name"
        raise click.UsageError(
            f"cannot listen on {host!r}, port {port}: {cause}; choose another --host or --port (0: a free one)"
        ) from None
    return listener
