"""Where the embedded servers keep their data, and where they listen."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

DATABASE = "control_plane"


@dataclass(frozen=True, kw_only=True)
class Places:
    data: Path  # everything that must survive a restart
    sockets: Path  # where both servers listen; mode 700, for one user

    @classmethod
    def of(cls, data_dir: Path) -> "Places":
        """The places of a data folder.

        A path of a unix socket may have 107 bytes, and a data folder may lie deeper than that.
        The folder of the sockets therefore lies in /tmp, under a name that every process of this
        user computes from the data folder, whatever its TMPDIR or XDG_RUNTIME_DIR says.
        """
        digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
        return cls(data=data_dir, sockets=Path("/tmp") / f"control-plane-{os.getuid()}-{digest}")  # noqa: S108  # made with mode 700 and checked

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def valkey(self) -> Path:
        return self.data / "valkey"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    def database_url(self, role: str, name: str = DATABASE) -> str:
        return f"postgresql://{role}@/{name}?host={quote(str(self.sockets), safe='')}"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.valkey_socket}"
