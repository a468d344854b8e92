"""Who runs PostgreSQL when we are root, which it refuses to run as: the user `nobody`.

No user is made, and no mode of a folder that is not ours is changed. Where `nobody` cannot reach
a folder (a home with mode 700), what it needs lies under `SHARED` instead.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jobsite.embedded.process import ServerFailed

SHARED = Path("/var/lib/control-plane")


@dataclass(frozen=True, kw_only=True)
class Account:
    """The user of the server process. Both None: the one we are."""

    uid: int | None
    gid: int | None

    @classmethod
    def for_server(cls) -> "Account":
        if os.geteuid() != 0:
            return cls(uid=None, gid=None)
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            return cls(uid=65534, gid=65534)
        return cls(uid=nobody.pw_uid, gid=nobody.pw_gid)

    def can(self, *test: str | Path) -> bool:
        """Whether `test …` holds for this user: modes, lists and mounts are the kernel's affair."""
        if self.uid is None:
            return subprocess.run(["test", *test], check=False).returncode == 0
        try:
            return (
                subprocess.run(
                    ["test", *test],
                    check=False,
                    cwd="/",
                    user=self.uid,
                    group=self.gid,
                    extra_groups=[],
                ).returncode
                == 0
            )
        except PermissionError:
            raise ServerFailed(
                "PostgreSQL does not run as root, and this container does not let root become "
                "`nobody`; start it as an ordinary user, or set DATABASE_URL to a server of yours."
            ) from None

    def make_folder(self, path: Path) -> None:
        """A folder of this user's own, mode 700; one that is there must be theirs already."""
        path.mkdir(mode=0o700, exist_ok=True)
        if self.uid is not None:
            os.chown(path, self.uid, self.gid if self.gid is not None else -1)

    def make_private(self, path: Path) -> None:
        """A folder under a name that others could guess: refused unless it is this user's."""
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        ours = {os.geteuid(), os.geteuid() if self.uid is None else self.uid}
        if path.is_symlink() or not path.is_dir() or found.st_uid not in ours:
            raise ServerFailed(f"{path} belongs to somebody else; remove it and start again.")
        path.chmod(0o700)
        self.make_folder(path)


def reachable_data(wanted: Path, account: Account) -> Path:
    """The folder for the server's data: `wanted`, or a link there to one that the user reaches."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if wanted.exists() or account.can("-x", wanted.parent):
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted.absolute())).hexdigest()[:12]
    elsewhere = SHARED / "data" / digest
    elsewhere.mkdir(parents=True, exist_ok=True)
    if not wanted.is_symlink():
        wanted.symlink_to(elsewhere / wanted.name)
    return elsewhere / wanted.name


def reachable_programs(installed: Path, version: str, account: Account) -> Path:
    """The installation of the server: the wheel's own, or a copy that the user reaches."""
    if account.can("-x", installed / "bin" / "postgres"):
        return installed
    copy = SHARED / f"postgresql-{version}"
    if not copy.exists():
        SHARED.mkdir(parents=True, exist_ok=True)
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(installed, draft, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", draft], check=True)
        try:
            draft.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(draft)
    return copy
