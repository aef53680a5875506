"""Runs on disk: what was asked for, every episode and its score, in one SQLite file a run, beside traces and pictures.

Many processes append at once; each episode is one transaction, so that killing all of them loses no episode that was finished.
The schema is plain: any SQLite tool reads it.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
import uuid
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from . import __version__
from .config import RunConfig
from .core import Episode, Score, Task, Value
from .errors import InfrastructureError, UsageError, one_line
from .trace import Blobs, TraceWriter, write_atomically

SCHEMA_VERSION = 1
BUSY_S = 60.0
PAGE = 512
"""Rows read at a time: a cursor that stays open would keep the write-ahead log from ever being folded back."""
# NULL is unknown.
CHARGES = """CREATE TABLE IF NOT EXISTS charges (episode TEXT NOT NULL, what TEXT NOT NULL, calls INTEGER NOT NULL,
    input_tokens INTEGER, output_tokens INTEGER, usd REAL, seconds REAL NOT NULL, steps INTEGER NOT NULL,
    PRIMARY KEY (episode, what))"""
# Seeds are decimal text: 64 unsigned bits do not fit SQLite's integer.
SCHEMA = f"""
BEGIN;
PRAGMA user_version = {SCHEMA_VERSION};
CREATE TABLE trials (task TEXT NOT NULL, agent TEXT NOT NULL, seed TEXT NOT NULL, k INTEGER NOT NULL,
    PRIMARY KEY (task, agent, seed));
CREATE TABLE tasks (id TEXT PRIMARY KEY, data TEXT NOT NULL);
CREATE TABLE episodes (id TEXT PRIMARY KEY, task TEXT NOT NULL, suite TEXT NOT NULL, agent TEXT NOT NULL, seed TEXT NOT NULL,
    attempt INTEGER NOT NULL, outcome TEXT NOT NULL, owner TEXT, message TEXT, steps INTEGER NOT NULL, reward REAL,
    agent_s REAL, environment_s REAL, waiting_s REAL, tokens INTEGER, usd REAL, started_at TEXT, data BLOB NOT NULL,
    UNIQUE (task, agent, seed, attempt));
CREATE TABLE scores (episode TEXT NOT NULL, evaluator TEXT NOT NULL, version TEXT NOT NULL, value REAL, passed INTEGER,
    parts TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (episode, evaluator));
{CHARGES};
CREATE TABLE certificates (suite TEXT NOT NULL, checked_at TEXT NOT NULL, data TEXT NOT NULL);
CREATE VIEW latest AS SELECT * FROM episodes e WHERE attempt = (
    SELECT max(attempt) FROM episodes o WHERE o.task = e.task AND o.agent = e.agent AND o.seed = e.seed);
COMMIT;
"""
COLUMNS = (
    "agent", "suite", "task", "seed", "outcome", "value", "passed", "steps", "agent_s", "environment_s", "waiting_s",
    "tokens", "usd",
)  # fmt: skip
TEXTS = frozenset({"agent", "suite", "task", "outcome"})
_NEWEST = """(SELECT max(attempt) FROM episodes o WHERE o.task = {0}.task AND o.agent = {0}.agent AND o.seed = {0}.seed)"""
_MISSING = f"""SELECT t.rowid, t.task, t.agent, t.seed, t.k, e.attempt FROM trials t LEFT JOIN episodes e
    ON e.task = t.task AND e.agent = t.agent AND e.seed = t.seed AND e.attempt = {_NEWEST.format("t")}
    WHERE t.rowid > ? AND (e.id IS NULL OR e.outcome IN (SELECT value FROM json_each(?))) ORDER BY t.rowid LIMIT {PAGE}"""
_EPISODES = f"""SELECT e.rowid, e.data FROM episodes e
    WHERE e.rowid > ? AND e.attempt = {_NEWEST.format("e")} ORDER BY e.rowid LIMIT {PAGE}"""


class Trial(NamedTuple):
    """One agent on one task under one seed."""

    task: str
    agent: str
    seed: int
    k: int
    attempt: int = 0
    """The number that the next attempt gets."""


class RunInfo(Value):
    """What `run.json` holds."""

    id: str
    created_at: str
    """UTC, ISO 8601."""
    versions: dict[str, str]
    config: RunConfig


class Store:
    """One run's folder, open; any number of processes and threads may hold it. Close it, or use it in a ``with`` block."""

    def __init__(self, path: Path, info: RunInfo, connection: sqlite3.Connection) -> None:
        self.path, self.info, self._connection = path, info, connection
        self.blobs = Blobs(path / "blobs")
        self._lock = threading.RLock()

    @classmethod
    def create(cls, path: Path | str, config: RunConfig) -> Self:
        """A new run; a folder that holds one already, or cannot be written, is a `UsageError`."""
        path = Path(path)
        if cls.holds_run(path):
            raise UsageError(f"{path} holds a run already; resume it, or choose another folder")
        info = RunInfo(
            id=uuid.uuid4().hex,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            versions={"quintain": __version__},
            config=config,
        )
        try:
            (path / "traces").mkdir(parents=True, exist_ok=True)
            (path / "blobs").mkdir(exist_ok=True)
            write_atomically(path / "run.json", info.model_dump_json(indent=2).encode())
        except OSError as error:
            raise UsageError(f"{path}: the run cannot be stored there: {error.strerror}; choose another folder") from None
        with _named(path):
            _lay_out(path)
            connection = _connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
        return cls(path, info, connection)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """The run in this folder; no run there, a broken one, or one of another version is a `UsageError`."""
        path = Path(path)
        if not cls.holds_run(path):
            raise UsageError(f"{path} holds no run (no run.db)")
        try:
            info = RunInfo.model_validate_json((path / "run.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise UsageError(f"{path}/run.json cannot be read: {one_line(error, limit=200)}") from None
        with _named(path):
            connection = _connect(path)
            found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found != SCHEMA_VERSION:
            connection.close()
            raise UsageError(f"{path}/run.db has version {found} of the format, and this quintain reads {SCHEMA_VERSION}")
        return cls(path, info, connection)

    @staticmethod
    def holds_run(path: Path | str) -> bool:
        database = Path(path) / "run.db"
        return database.is_file() and database.stat().st_size > 0

    @property
    def config(self) -> RunConfig:
        return self.info.config

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """No other process plays this run meanwhile; if one does already, a `UsageError`. The claim dies with the process."""
        with (self.path / "run.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{self.path} is being played by another process; wait for its end") from None
            yield

    def add_tasks(self, tasks: Iterable[Task]) -> None:
        """The tasks as they are run; one that is known already keeps its first form."""
        rows = ((task.id, task.model_dump_json(exclude_defaults=True)) for task in tasks)
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO tasks VALUES (?, ?)", rows)

    def add_trials(self, trials: Iterable[Trial]) -> None:
        """Streamed, never held in memory; those that are there already are kept."""
        rows = ((trial.task, trial.agent, str(trial.seed), trial.k) for trial in trials)
        # Seeds come in random order: with SQLite's own 2 MB of cache a million of them take four times as long.
        self.query("PRAGMA cache_size = -65536")
        with self._transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?)", rows)
        self.query("PRAGMA cache_size = -2000")

    def append(self, episode: Episode, score: Score | None, *, attempt: int | None = None) -> None:
        """Store an episode and its score in one transaction; one whose id is stored already changes nothing.

        `attempt` is by default the next one of this trial. Raises `InfrastructureError` where the disk is full.
        """
        trial = (episode.task, episode.agent, str(episode.seed))
        usage, failure = episode.usage, episode.failure
        facts = (
            episode.outcome, failure and failure.owner, failure and _plain(failure.message), len(episode.steps), episode.reward,
            usage.agent_s, usage.environment_s, usage.waiting_s, usage.tokens, usage.usd, episode.started_at,
            zlib.compress(episode_json(episode), 1),
        )  # fmt: skip
        with self._transaction() as connection:
            if attempt is None:
                query = "SELECT coalesce(max(attempt) + 1, 0) FROM episodes WHERE task = ? AND agent = ? AND seed = ?"
                attempt = int(connection.execute(query, trial).fetchone()[0])
            row = (episode.id, trial[0], trial[0].split("/", 1)[0], *trial[1:], attempt, *facts)
            added = connection.execute(f"INSERT OR IGNORE INTO episodes VALUES ({', '.join('?' * len(row))})", row)
            if added.rowcount == 1:
                self._charge(connection, episode)
                if score is not None:
                    self._put(connection, episode.id, score)

    def count_trials(self) -> int:
        return int(self.query("SELECT count(*) FROM trials")[0][0])

    def put_score(self, episode_id: str, score: Score) -> None:
        """Replace the score that this evaluator gave the episode."""
        with self._transaction() as connection:
            self._put(connection, episode_id, score)

    def add_certificate(self, suite: str, *, checked_at: str, data: str) -> None:
        """Keep a certificate (`quintain.certificate`) as JSON; earlier ones of the suite stay."""
        with self._transaction() as connection:
            connection.execute("INSERT INTO certificates VALUES (?, ?, ?)", (suite, checked_at, data))

    def missing(self, retry: Sequence[str] = ("env_error", "cancelled")) -> Iterator[Trial]:
        """Trials without an episode, or whose newest has one of these outcomes, as they stand when each is reached."""
        for task, agent, seed, k, attempt in self._pages(_MISSING, json.dumps(list(retry))):
            yield Trial(task, agent, int(seed), k, 0 if attempt is None else attempt + 1)

    def episodes(self) -> Iterator[Episode]:
        """The newest attempt of every trial, one at a time, in the order in which they were stored."""
        for (data,) in self._pages(_EPISODES):
            yield Episode.model_validate_json(zlib.decompress(data))

    def episode(self, episode_id: str) -> Episode:
        """Any attempt by its id; an unknown one is a `UsageError`."""
        for (data,) in self.query("SELECT data FROM episodes WHERE id = ?", (episode_id,)):
            return Episode.model_validate_json(zlib.decompress(data))
        raise UsageError(f"{self.path} holds no episode {episode_id!r}")

    def score(self, episode_id: str) -> Score | None:
        """What is stored of the evaluator's word on an episode."""
        rows = self.query("SELECT evaluator, version, value, passed, parts, reason FROM scores WHERE episode = ?", (episode_id,))
        for evaluator, version, value, passed, parts, reason in rows:
            verdict = None if passed is None else bool(passed)
            found = json.loads(parts)
            return Score(value=value, passed=verdict, parts=found, reason=reason, evaluator=evaluator, version=version)
        return None

    def task(self, task_id: str) -> Task:
        """The task as it was run; an unknown one is a `UsageError`."""
        for (data,) in self.query("SELECT data FROM tasks WHERE id = ?", (task_id,)):
            return Task.model_validate_json(data)
        raise UsageError(f"{self.path} holds no task {task_id!r}")

    def tasks(self) -> Iterator[Task]:
        for (data,) in self.query("SELECT data FROM tasks ORDER BY rowid"):
            yield Task.model_validate_json(data)

    def rows(self) -> dict[str, Any]:
        """Columns over the newest attempts, for statistics: texts as lists, `seed` as uint64, all else as float64.

        Keys: agent, suite, task, seed, outcome, value, passed, steps, agent_s, environment_s, waiting_s, tokens, usd. NaN is
        unscored or unknown.
        """
        query = f"SELECT {', '.join(COLUMNS)} FROM latest e LEFT JOIN scores s ON s.episode = e.id ORDER BY e.started_at, e.id"
        columns = list(zip(*self.query(query), strict=True)) or [()] * len(COLUMNS)
        return {name: _column(name, values) for name, values in zip(COLUMNS, columns, strict=True)}

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of an SQL query over the schema above."""
        with self._lock, _named(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def trace_path(self, episode_id: str) -> Path:
        return self.path / "traces" / f"{episode_id}.jsonl.gz"

    def recorder(self, episode_id: str) -> TraceWriter | None:
        """What records this episode's trace at the level of the run's configuration; None where that is ``"none"``."""
        level = self.config.trace
        return None if level == "none" else TraceWriter(self.trace_path(episode_id), self.blobs, level=level)

    def _put(self, connection: sqlite3.Connection, episode_id: str, score: Score) -> None:
        passed = None if score.passed is None else int(score.passed)
        row = (episode_id, score.evaluator, score.version, score.value, passed, canonical(score.parts), _plain(score.reason))
        connection.execute("INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    @staticmethod
    def _charge(connection: sqlite3.Connection, episode: Episode) -> None:
        rows = [
            (episode.id, _plain(each.what), each.calls, each.input_tokens, each.output_tokens, each.usd, each.seconds, each.steps)
            for each in episode.usage.charges
        ]
        if rows:
            connection.execute(CHARGES)  # A run that was begun without this table goes on.
            connection.executemany("INSERT OR REPLACE INTO charges VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _pages(self, sql: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        """Rows of a query that is continued after the row id in its first column, which is left out."""
        after = 0
        while page := self.query(sql, (after, *parameters)):
            yield from (row[1:] for row in page)
            after = page[-1][0]

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _named(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal values are equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def episode_json(episode: Episode) -> bytes:
    """The stored form; text that is no valid Unicode (an agent can say anything) loses only the characters that are not."""
    try:
        return episode.model_dump_json().encode()
    except (PydanticSerializationError, UnicodeError):
        return json.dumps(_clean(episode.model_dump())).encode()


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {_clean(key): _clean(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _column(name: str, values: Sequence[Any]) -> Any:
    if name in TEXTS:
        return list(values)
    if name == "seed":
        return np.array([int(value) for value in values], dtype=np.uint64)
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _lay_out(path: Path) -> None:
    """An empty database, which nobody can open before it is whole."""
    beside = path / ".run.db"
    beside.unlink(missing_ok=True)
    connection = _opened(beside, "")
    try:
        connection.executescript(SCHEMA)
    finally:
        connection.close()
    beside.replace(path / "run.db")


def _connect(path: Path) -> sqlite3.Connection:
    """What cannot be written is still read, where no write-ahead log is left that would have to be folded back first."""
    database = path / "run.db"
    try:
        return _opened(database, "")
    except sqlite3.OperationalError:
        if not database.is_file() or Path(f"{database}-wal").exists():
            raise
        return _opened(database, "?immutable=1")


def _opened(database: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        database.resolve().as_uri() + how, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file failed and what to do; SQLite says neither."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorname", "")
        if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise UsageError(f"{path}/run.db is no readable run database ({error}); restore it, or start another run") from error
        if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            raise UsageError(f"{path}/run.db cannot be written ({error}); choose another folder") from error
        if code.startswith(("SQLITE_FULL", "SQLITE_IOERR")):
            raise InfrastructureError(f"{path}/run.db cannot be written ({error}); make room, then resume the run") from error
        raise InfrastructureError(f"{path}/run.db: {error}") from error
