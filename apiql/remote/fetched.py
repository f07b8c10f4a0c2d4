"""The archive of definitions that stands elsewhere: fetched, checked whole, and only then put in
the place of the one before. Whatever goes wrong, what is here already stays as it is.

Of processes that share a folder one fetches at a time; the next ones are told by the server that
nothing has changed. Knows nothing of what definitions mean, and of who uses them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from apiql.errors import ApiqlError, CallFailed
from apiql.remote.archive import LIMITS, ArchiveRefused, read_archive, write_files
from apiql.remote.state import Lock, State, mended, remote_folder, state_of, write_state
from apiql.settings import Limits, Remote, Settings
from apiql.sources.addresses import BadUrl, parse_url
from apiql.sources.call import Call, Headers, Origin, Reply
from apiql.sources.http import PooledTransport
from apiql.sources.stack import transport_limits
from apiql.sources.transports import NETWORK, Network, trusting

PAUSE = 0.05
"""Seconds between two looks at whether another process has finished."""
_WANTED = (("accept", "application/zip, */*;q=0.5"), ("accept-encoding", "identity"))
_REDIRECTS = range(300, 400)


class RemoteRefused(ApiqlError):
    """An archive that is not used. The message names no password, user or query of its URL."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = url, why
        super().__init__(f"{url}: {why}")


@dataclass(frozen=True, slots=True)
class Taken:
    """What was fetched: from where, into which folder, how many files, the beginning of the hash of
    the archive; `changed`: it was not there before.
    """

    url: str
    folder: Path
    files: int
    revision: str
    changed: bool


async def fetch(settings: Settings, conf: Path | None, network: Network = NETWORK) -> Taken | None:
    """Puts what stands at the URL of the settings in the folder; None where they name none.

    Raises:
        RemoteRefused: it cannot be had or used; nothing has changed.
    """
    remote, folder = settings.remote, remote_folder(settings, conf)
    if remote.url is None:
        return None
    target = _Target.of(remote.url)
    try:
        async with _alone(folder, remote.timeout):
            await asyncio.to_thread(mended, folder)
            known = await asyncio.to_thread(state_of, folder, target.key, remote.sha256)
            reply = await target.asked(known, remote, settings.limits, network)
            return await _taken(target, reply, known, remote, folder)
    except TimeoutError:
        raise RemoteRefused(target.shown, "another process is at it for too long") from None
    except (CallFailed, ArchiveRefused) as error:
        raise RemoteRefused(target.shown, str(error)) from None
    except OSError as error:
        why = f"{folder} cannot be written: {error.strerror}"
        raise RemoteRefused(target.shown, why) from None


@asynccontextmanager
async def _alone(folder: Path, patience: float) -> AsyncIterator[None]:
    """Nobody else changes the folder meanwhile."""
    lock = await asyncio.to_thread(Lock, folder)
    try:
        async with asyncio.timeout(patience):
            while True:
                if lock.taken():
                    break
                await asyncio.sleep(PAUSE)
        yield
    finally:
        lock.close()


async def _taken(
    target: _Target, reply: Reply, known: State | None, remote: Remote, folder: Path
) -> Taken:
    if reply.status == 304 and known is not None:
        return Taken(target.shown, folder, known.files, known.revision, changed=False)
    if reply.status != 200:
        followed = "; redirects are not followed" if reply.status in _REDIRECTS else ""
        raise RemoteRefused(target.shown, f"it answers {reply.status}{followed}")
    found = hashlib.sha256(reply.body).hexdigest()
    if remote.sha256 not in (None, found):
        raise RemoteRefused(target.shown, "its checksum is not remote.sha256")
    state = State(target.key, found, reply.header("etag"), 0 if known is None else known.files)
    if known is None or known.sha256 != found:
        files = await asyncio.to_thread(_put, reply.body, remote, folder)
        state = replace(state, files=files)
    await asyncio.to_thread(write_state, folder, state)
    changed = known is None or known.sha256 != found
    return Taken(target.shown, folder, state.files, state.revision, changed)


def _put(data: bytes, remote: Remote, folder: Path) -> int:
    password = None if remote.password is None else remote.password.get_secret_value().encode()
    files = read_archive(data, replace(LIMITS, bytes=remote.archive_bytes), password or None)
    write_files(files, folder)
    return len(files)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where an archive is. `shown` may be told; `key` tells one from another."""

    origin: Origin
    path: str
    authorization: str | None
    shown: str
    key: str

    @classmethod
    def of(cls, url: str) -> _Target:
        """Of a URL of the settings, which may name a user and a password.

        Raises:
            RemoteRefused: it can be read in two ways.
        """
        parts = urlsplit(url)
        user, _, host = parts.netloc.rpartition("@")
        plain = parts._replace(netloc=host).geturl()
        shown = f"{parts.scheme}://{host}{parts.path}"
        try:
            origin, path = parse_url(plain)
        except BadUrl as error:
            raise RemoteRefused(shown, str(error)) from None
        origin = Origin(origin.scheme, origin.host, origin.port, pinned=True)
        name, _, secret = user.partition(":")
        pair = f"{unquote(name)}:{unquote(secret)}".encode()
        basic = f"Basic {base64.b64encode(pair).decode()}" if user else None
        return cls(origin, path, basic, shown, hashlib.sha256(plain.encode()).hexdigest()[:16])

    async def asked(
        self, known: State | None, remote: Remote, limits: Limits, network: Network
    ) -> Reply:
        """What is answered there. The URL is the operator's own, as those of upstreams are."""
        caps = replace(transport_limits(limits), body_bytes=remote.archive_bytes)
        room = max(caps.bytes_in_flight, 2 * remote.archive_bytes)
        transport = PooledTransport(
            replace(caps, bytes_in_flight=room), tls=trusting(remote.verify),
            lookup=network.lookup, connect=network.connect,
        )  # fmt: skip
        headers: Headers = _WANTED
        if self.authorization is not None:
            headers += (("authorization", self.authorization),)
        if known is not None and known.etag is not None:
            headers += (("if-none-match", known.etag),)
        deadline = asyncio.get_running_loop().time() + remote.timeout
        try:
            return await transport(Call("GET", self.origin, self.path, headers, None, deadline))
        finally:
            await transport.aclose()
