"""Download one file so that it is either there and whole, or not there at all."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rnnforecast import __version__

_CHUNK = 1 << 16
_WORTH_ANOTHER_TRY = {408, 425, 429, 500, 502, 503, 504}
_ABANDONED = 600.0  # seconds without a byte: a living download has given up or written before
_BLINK = 0.2  # seconds between two reports of progress


def download(
    address: str,
    path: Path,
    *,
    sha256: str | None = None,
    check: Callable[[Path], object] | None = None,
    verbose: bool = True,
    timeout: float = 30.0,
    n_retries: int = 3,
    delay: float = 1.0,
) -> None:
    """Download `address` to `path`.

    The bytes go to a file beside `path`, which takes its name when they are what they should be; several processes may
    do so at once. What an interrupted download left is continued, but only where a checksum can tell whether the parts
    belong together.

    Parameters
    ----------
    address : str
        Of HTTP or HTTPS.
    path : Path
        Where the file goes. Folders are made.
    sha256 : str or None, default=None
        Checksum in hexadecimal digits.
    check : callable or None, default=None
        Called with the path of the temporary file; raises a ValueError if it does not hold what it should.
    verbose : bool, default=True
        Whether to say on stderr what comes from where, and how far it is.
    timeout : float, default=30.0
        Seconds of silence after which a connection counts as dead.
    n_retries : int, default=3
        Further attempts after a dead connection or an answer of an overloaded server.
    delay : float, default=1.0
        Seconds before the first of them; doubled with each.

    Raises
    ------
    OSError
        If the file cannot be had or written. The message names the address, the reason and the remedies.
    """
    pauses = [0.0, *(delay * 2.0**attempt for attempt in range(n_retries))]
    reason = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _temporary(path, continued=sha256 is not None) as partial:
            said = path.name if verbose else None
            reason = _fill(partial, address, sha256, check, said, timeout, pauses)
            if reason is None:
                partial.close()  # Windows renames no open file
                os.replace(partial.name, path)
    except OSError as error:
        reason = f"{path.parent} cannot be written ({error.strerror or error}), data_home= names another folder"
    if reason is not None:
        raise OSError(
            f"{path.name} could not be downloaded from {address}: {reason}; try again later, or get the file by other"
            f" means and save it as {path}"
        )


@contextlib.contextmanager
def _temporary(path: Path, *, continued: bool) -> Iterator[BinaryIO]:
    """Open a file beside `path` that nobody else writes to, with what an earlier download left in it if `continued`.

    A download that ends early gives its file back under the name ``.part``. The next one takes it over by renaming it,
    which of several processes only one can do; likewise a file whose process died and gave nothing back.
    """
    own, left = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part"), path.with_name(f"{path.name}.part")
    if continued:
        _take_over(left, own)
    try:
        with own.open("ab+") as file:
            yield file
    finally:
        with contextlib.suppress(FileNotFoundError):  # it has its final name
            if continued and own.stat().st_size:
                own.replace(left)
            else:
                own.unlink()


def _take_over(left: Path, own: Path) -> None:
    """Rename what an earlier download gave back, or left when it died, to `own`, if there is anything."""
    pattern = f"{glob.escape(left.stem)}.????????.part"
    for earlier in (left, *left.parent.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):  # never there, or another process was faster
            if earlier == left or time.time() - earlier.stat().st_mtime > _ABANDONED:
                earlier.rename(own)
                return


def _fill(
    partial: BinaryIO,
    address: str,
    sha256: str | None,
    check: Callable[[Path], object] | None,
    said: str | None,
    timeout: float,
    pauses: Iterable[float],
) -> str | None:
    """Try until the file has no problem; return None, or why it could not be had."""
    reason = None
    for pause in pauses:
        if pause and said:
            _say(f"{said}: {reason}; trying again in {pause:g} s\n")
        time.sleep(pause)
        if sha256 is None:
            partial.truncate(0)
        try:
            continued = _append(partial, address, said, timeout)
        except HTTPError as error:
            error.close()
            reason = f"the server answered {error.code} {str(error.reason).splitlines()[0]}"
            if error.code not in _WORTH_ANOTHER_TRY:
                return reason
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
        else:
            reason = _problem(partial, sha256, check)
            if reason is None:
                return None
            partial.truncate(0)
            if not continued:  # whole, and not what it should be: it would be the same again
                return reason
    return reason


def _append(partial: BinaryIO, address: str, said: str | None, timeout: float) -> bool:
    """Append the bytes that are missing; return whether there were some before."""
    start = partial.seek(0, os.SEEK_END)
    headers = {"User-Agent": f"rnnforecast/{__version__}"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = urlopen(Request(address, headers=headers), timeout=timeout)
    except HTTPError as error:
        if error.code == 416 and start:  # nothing begins there: either nothing is missing, or all is wrong
            error.close()
            return True
        raise
    with response:
        if response.status != 206:  # the server sends the whole file, whatever was asked for
            start = partial.truncate(0)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        size = start
        if said:
            _say(f"{said}: {'' if total is None else f'{total / 1e6:.1f} MB '}from {address}\n")
        watched, due = said is not None and sys.stderr.isatty(), time.monotonic()
        while chunk := response.read1(_CHUNK):
            size += partial.write(chunk)
            if watched and time.monotonic() > due:
                _say(f"\r{said}: {size / 1e6:.1f} MB ")
                due = time.monotonic() + _BLINK
        if watched:
            _say(f"\r{said}: {size / 1e6:.1f} MB\n")
    if total is not None and size < total:
        raise ConnectionError(f"the connection ended after {size} of {total} bytes")
    return start > 0


def _problem(partial: BinaryIO, sha256: str | None, check: Callable[[Path], object] | None) -> str | None:
    """Return what is wrong with the file, None if nothing is."""
    partial.flush()
    if sha256 is not None:
        partial.seek(0)
        digest = hashlib.sha256()
        while chunk := partial.read(_CHUNK):
            digest.update(chunk)
        if digest.hexdigest() != sha256:
            return f"what came has the SHA-256 checksum {digest.hexdigest()}, expected was {sha256}"
    if check is not None:
        try:
            check(Path(partial.name))
        except ValueError as error:
            return f"what came is something else, {error}"
    return None


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
