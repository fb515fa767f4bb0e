"""A PostgreSQL server for tests: started from the installed programs, in a folder that goes away with it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import require_peer


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The folder of the server's socket; connect as user postgres."""
    pg_ctl = _program("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="garage-pg-"))
    data = folder / "data"
    try:
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        initdb_options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run(_program("initdb"), "-D", str(data), *initdb_options)
        server_options = f"-c listen_addresses= -c unix_socket_directories={folder} -F"
        _run(pg_ctl, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", server_options, "start")
        try:
            yield str(folder)
        finally:
            _run(pg_ctl, "-D", str(data), "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _program(name: str) -> str:
    """Debian keeps these out of PATH, in a folder per version."""
    return require_peer(name, *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), reverse=True))


def _run(*command: str) -> None:
    if os.geteuid() == 0:
        # The server refuses to run as root.
        command = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command)
    # pg_ctl's server would hold a pipe open for ever: its words go to a file.
    with tempfile.TemporaryFile() as words:
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=words, stderr=words, check=False)
        words.seek(0)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed: {words.read().decode()}")
