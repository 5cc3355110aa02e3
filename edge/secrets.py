"""Secrets in files of their own, read again whenever the file changes, and never shown."""

import base64
from pathlib import Path

from protocols.errors import UplinkRefused


class SecretFile:
    """The one line of a file. `code` is the error's when it cannot be read."""

    def __init__(self, file: Path, code: str) -> None:
        self._file = file
        self._code = code
        self._seen: tuple[int, int] | None = None
        self._value = ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._file})"

    def read(self) -> str:
        """Return the secret. Raises UplinkRefused when the file cannot be read."""
        try:
            state = self._file.stat()
            seen = (state.st_mtime_ns, state.st_size)
            if seen != self._seen:
                self._value = self._line(self._file.read_bytes())
                self._seen = seen
        except (OSError, UnicodeError) as exc:
            raise self._unreadable() from exc
        return self._value

    def _line(self, data: bytes) -> str:
        line = data.decode("utf-8").strip()
        if not line.isprintable():  # more than a line: it would not be one header field either
            raise self._unreadable()
        return line

    def _unreadable(self) -> UplinkRefused:
        return UplinkRefused(self._code, file=str(self._file))


class Token(SecretFile):
    """The token of a gateway that was not enrolled; `file` None: it has none either."""

    def __init__(self, file: Path | None) -> None:
        super().__init__(file or Path(), "TOKEN_UNREADABLE")
        self._missing = file is None

    def read(self) -> str:
        """Return the token. Raises UplinkRefused when there is none or it cannot be read."""
        if self._missing:
            raise UplinkRefused("NOT_ENROLLED")
        return super().read()

    def _line(self, data: bytes) -> str:
        line = super()._line(data)
        line.encode("ascii")
        return line


class ProxyCredentials(SecretFile):
    """`user:password` for the HTTP proxy on the way to the collector (Basic, RFC 7617)."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, "PROXY_CREDENTIALS_UNREADABLE")

    def fields(self) -> dict[str, str]:
        """Return the header that introduces us. Raises UplinkRefused."""
        line = self.read()
        if ":" not in line:
            raise self._unreadable()
        return {"Proxy-Authorization": f"Basic {base64.b64encode(line.encode()).decode()}"}
