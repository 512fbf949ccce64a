"""How an alert reaches somebody: mail, webhook, command. Raises ChannelFailed; its message holds no secret."""

import base64
import hashlib
import hmac
import json
import smtplib
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from exports.errors import ArchiveError
from exports.operating.rules import Alert
from exports.operating.settings import EVENTS, Settings
from exports.terminal import local_time, printable

SECONDS = 15
"""What a channel may take."""


class ChannelFailed(ArchiveError):
    """The alert was not delivered. Raised here, caught in outbox.py."""


@dataclass(frozen=True, repr=False)
class Channel:
    """One way to somebody."""

    name: str
    """Holds no secret: it is printed, and kept beside alerts that wait."""
    send: Callable[[Alert], None]


def channels(settings: Settings) -> list[Channel]:
    """Every configured channel."""
    found = []
    if settings.mail_to:
        found.append(Channel(f"mail {','.join(settings.mail_to)}", lambda alert: _mail(settings, alert)))
    for shape, url in settings.webhooks:
        # two hooks of one host are told apart by a digest, which gives nothing of the address away
        mark = hashlib.sha256(url.encode()).hexdigest()[:6]
        found.append(Channel(f"webhook {shape} {urlsplit(url).hostname} {mark}", _webhook(shape, url)))
    if settings.command:
        found.append(Channel(f"command {settings.command[0]}", lambda alert: _command(settings.command, alert)))
    return found


def body(alert: Alert) -> str:
    """The message for people: subject, what happened, what to type."""
    lines = [
        alert.subject,
        "",
        printable(alert.text),
        "",
        f"at {local_time(datetime.fromisoformat(alert.at))} (Asia/Shanghai)",
    ]
    if alert.run_id is not None:
        lines.append(f"run {alert.run_id}: see reports/run-{alert.run_id}.md, archive coverage {alert.column_id}")
    return "\n".join(lines)


def _mail(settings: Settings, alert: Alert) -> None:
    message = EmailMessage()
    parts = urlsplit(settings.smtp)
    message["Subject"] = printable(alert.subject)
    message["From"] = (
        unquote(parts.username) if parts.username and "@" in unquote(parts.username) else settings.mail_to[0]
    )
    message["To"] = ", ".join(settings.mail_to)
    message.set_content(body(alert))
    secure = parts.scheme == "smtps"
    context = ssl.create_default_context()
    try:
        if secure:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                parts.hostname or "", parts.port or 465, timeout=SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(parts.hostname or "", parts.port or 25, timeout=SECONDS)
        with server:
            server.ehlo()
            if not secure and server.has_extn("starttls"):
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        raise ChannelFailed(f"{parts.hostname} answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelFailed(f"{parts.hostname}: {getattr(error, 'strerror', None) or type(error).__name__}") from None


def _webhook(shape: str, url: str) -> Callable[[Alert], None]:
    def send(alert: Alert) -> None:
        data = json.dumps(_shaped(shape, alert), ensure_ascii=False).encode()
        target = _signed(url) if shape == "dingtalk" else url
        host = urlsplit(url).hostname
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "zhuanti-archive"}
        request = urllib.request.Request(target, data, headers, method="POST")  # noqa: S310  (http(s), see settings.py)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                said = answer.read(10_000)
        except urllib.error.HTTPError as error:
            raise ChannelFailed(f"{host} answered {error.code}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise ChannelFailed(f"{host}: {getattr(reason, 'strerror', None) or type(reason).__name__}") from None
        if shape in ("wecom", "dingtalk"):
            _check_answer(str(host), said)

    return send


def _check_answer(host: str, said: bytes) -> None:
    """Both answer 200 whatever happens; the truth is in errcode."""
    try:
        code = json.loads(said).get("errcode")
    except (ValueError, AttributeError):
        code = None
    if code != 0:
        raise ChannelFailed(f"{host} refused it, errcode {code}")


def _shaped(shape: str, alert: Alert) -> dict[str, Any]:
    if shape in ("wecom", "dingtalk"):
        return {"msgtype": "text", "text": {"content": body(alert)}}
    if shape == "slack":
        return {"text": body(alert)}
    return asdict(alert) | {"subject": alert.subject, "meaning": EVENTS.get(alert.event, alert.event)}


def _signed(url: str) -> str:
    """DingTalk's signature, where the address holds &secret=SEC…; the secret itself is not sent."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    secret = query.pop("secret", None)
    if secret is None:
        return url
    moment = str(round(time.time() * 1000))
    digest = hmac.new(secret.encode(), f"{moment}\n{secret}".encode(), hashlib.sha256).digest()
    return parts._replace(query=urlencode(query | {"timestamp": moment, "sign": base64.b64encode(digest)})).geturl()


def _command(command: tuple[str, ...], alert: Alert) -> None:
    try:
        done = subprocess.run(  # noqa: S603  (the operator's own command)
            command, input=body(alert), text=True, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ChannelFailed(f"it took longer than {SECONDS} s") from None
    except OSError as error:
        raise ChannelFailed(str(error.strerror)) from None
    if done.returncode:
        raise ChannelFailed(f"it ended with {done.returncode}")
