"""A directory of scenes that were loaded once.

::

    STORE/
      store.json          says that this is one
      scenes/SOURCE-ID-DIGEST.parquet   one scene; the name carries the digest of its record (scenetable.py)
      media/KEY/          pictures that the adapter made (rendered videos); those of scans stay where they are
      roots.json          where the scans lie on this machine, by name; in no digest
      index.parquet       what the files say; made again from them whenever it is lost or old
      log.jsonl           what was ingested or failed, and why; append only

A scene is there whole or not at all. There is one record a scene: another one of the same source and id replaces it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ouroboros_data.digest import scene_digest
from ouroboros_data.errors import OuroborosError, SceneError, StoreError
from ouroboros_data.ids import canonical_json
from ouroboros_data.records import from_json, to_json
from ouroboros_data.resources import validate
from ouroboros_data.scenes import table as scenetable
from ouroboros_data.store import write_atomic
from ouroboros_data.types import Scene

FORMAT = 1
MEDIA = "media"
_KEY = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the store knows about a scene without reading its record."""

    id: str
    source: str
    space_id: str
    license: str
    frames_origin: str
    digest: str
    """See `scene_digest`."""
    key: str
    """Of what it was made from: adapter, options and the bytes behind it. 16 hex digits."""
    adapter: str
    base: str
    """What ``place`` is relative to: ``media``, or a name in roots.json."""
    place: str
    """Directory of the scene's pictures."""
    objects: int
    frames: int
    area_m2: float

    @property
    def file(self) -> str:
        """Name of the scene's file."""
        return f"{_slug(self.source, 40)}-{_slug(self.id, 80)}-{self.digest[:16]}.parquet"


def _slug(text: str, length: int) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:length].lstrip(".") or "_"


def create(store: Path) -> None:
    """Make a store, or do nothing where there is one (raises StoreError: cannot, or something else is there)."""
    if is_store(store):
        return
    if store.is_dir() and any(path.name != ".lock" for path in store.iterdir()):
        raise StoreError("holds other files", where=str(store), fix="give a new or empty directory")
    write_atomic(store / "store.json", json.dumps({"format": FORMAT}) + "\n")


def is_store(path: Path) -> bool:
    """Whether a directory is a scene store."""
    return (path / "store.json").is_file()


def need_store(store: Path) -> None:
    """Refuse what is not a store, or one of another time (raises SceneError)."""
    if not is_store(store):
        fix = "make one with `ouroboros-data scenes ingest SOURCE DIR --out STORE`"
        raise SceneError("not a scene store", where=str(store), fix=fix)
    said = _read_json(store / "store.json").get("format")
    if said != FORMAT:
        raise SceneError(f"a store of format {said!r}, expected {FORMAT}", where=str(store / "store.json"))


@contextlib.contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold a store for writing (raises StoreError: another process does, or it cannot be written)."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = os.open(store / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        what = f"cannot write here: {error.strerror}"
        raise StoreError(what, where=str(store), fix="choose another --out STORE") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "another process writes to this store"
            raise StoreError(what, where=str(store), fix="wait for it") from None
        yield
    finally:
        os.close(lock)


def put(store: Path, scene: Scene, *, key: str, adapter: str, bases: dict[str, str]) -> Entry:
    """Write a scene, unless the same one is there. Safe in worker processes of the lock's holder.

    Args:
        store: The store.
        scene: What the adapter loaded.
        key: See `Entry`.
        adapter: The adapter's name.
        bases: Directories that the scene's root may lie below, by name; see `Entry.base`.

    Raises:
        SceneError: The record breaks the schema, or its root lies elsewhere.
        StoreError: The file cannot be written.
    """
    base, place = _placed(scene, bases)
    record = scenetable.normal(scene)
    validate("scene", to_json(record), where=scene.id, error=SceneError)
    entry = Entry(
        id=record.id,
        source=record.source,
        space_id=record.space_id,
        license=record.license,
        frames_origin=record.frames_origin,
        digest=scene_digest(record),
        key=key,
        adapter=adapter,
        base=base,
        place=place,
        objects=len(record.objects),
        frames=len(record.frames),
        area_m2=record.room.area_m2,
    )
    path = store / "scenes" / entry.file
    if not (path.is_file() and _entry(path) == entry):
        write_atomic(path, scenetable.encode(record, to_json(entry)))
    return entry


def _placed(scene: Scene, bases: dict[str, str]) -> tuple[str, str]:
    for base, directory in bases.items():
        for exact in (_absolute, Path.resolve):  # an adapter may follow links, or not
            inner, outer = exact(Path(scene.root)), exact(Path(directory))
            if scene.root and inner.is_relative_to(outer):
                return base, inner.relative_to(outer).as_posix()
    raise SceneError(
        f"its pictures lie outside the source's directory: {scene.root or 'nowhere'}", where=scene.id
    )


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))  # resolve() would follow links


def _entry(path: Path) -> Entry | None:
    try:
        return from_json(Entry, scenetable.read_footer(path), where=str(path), error=SceneError)
    except SceneError:
        return None


def entries(store: Path) -> list[Entry]:
    """All scenes of a store by source and id. A file that cannot be read is left out; `damaged` lists those.

    The index is brought up to date where that is possible.

    Raises:
        SceneError: Not a store.
    """
    need_store(store)
    known, fresh, changed = _read_index(store / "index.parquet"), {}, False
    newest: dict[tuple[str, str], tuple[int, Entry]] = {}
    for path, stamp in _files(store):
        entry = known[path.name][1] if known.get(path.name, ("", None))[0] == stamp else None
        if entry is None:
            entry, changed = _entry(path), True
        if entry is None or entry.file != path.name:
            continue
        fresh[path.name] = (stamp, entry)
        written, at = int(stamp.partition(" ")[0]), (entry.source, entry.id)
        if (
            at not in newest or newest[at][0] < written
        ):  # two only where a run was killed between write and removal
            newest[at] = (written, entry)
    if changed or fresh.keys() != known.keys():
        with contextlib.suppress(OuroborosError):  # a store may be read-only, and the index is a convenience
            _write_index(store / "index.parquet", fresh)
    return [newest[at][1] for at in sorted(newest)]


def damaged(store: Path) -> list[Path]:
    """Files among the scenes that cannot be read."""
    return [path for path, _ in _files(store) if _entry(path) is None]


def _files(store: Path) -> list[tuple[Path, str]]:
    """Scene files with time and size of their last write."""
    try:
        with os.scandir(store / "scenes") as found:
            named = [(item.name, item.stat()) for item in found if item.name.endswith(".parquet")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SceneError(f"cannot be read: {error.strerror}", where=str(store / "scenes")) from None
    return [(store / "scenes" / name, f"{stat.st_mtime_ns} {stat.st_size}") for name, stat in sorted(named)]


def _read_index(path: Path) -> dict[str, tuple[str, Entry]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.ParquetFile(path).read().to_pylist()
        stamped = [(row.pop("stamp"), from_json(Entry, row, where="", error=SceneError)) for row in rows]
    except (pa.ArrowException, OSError, ValueError, KeyError, SceneError):
        return {}
    return {entry.file: (stamp, entry) for stamp, entry in stamped}


def _write_index(path: Path, rows: dict[str, tuple[str, Entry]]) -> None:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{"stamp": s, **to_json(e)} for s, e in rows.values()]), sink)
    write_atomic(path, sink.getvalue())


def load(store: Path, entry: Entry) -> Scene:
    """The record with its root on this machine.

    Raises:
        SceneError: The file is damaged, or the scans are not where this store knows them; says how to tell it.
    """
    path = store / "scenes" / entry.file
    scene = scenetable.read_scene(path, entry.digest)
    if entry.base == MEDIA:
        directory = store / MEDIA / entry.place
        fix = f"delete {path} and run `ouroboros-data scenes ingest` again"
    else:
        root = roots(store).get(entry.base)
        if root is None:
            what = f"where the scans of {entry.base!r} lie on this machine is not known"
            raise SceneError(what, where=str(store), fix=_rebind(store, entry.base))
        directory, fix = Path(root) / entry.place, _rebind(store, entry.base)
    pictures = directory / (scene.video.path if scene.video else "")
    if not pictures.exists():
        raise SceneError("the scene's pictures are not there", where=str(pictures), fix=fix)
    return replace(scene, root=str(directory))


def _rebind(store: Path, name: str) -> str:
    return f"if they lie elsewhere: ouroboros-data scenes ingest --out {store} --root {name}=DIR"


def roots(store: Path) -> dict[str, str]:
    """Where the scans lie on this machine, by name (raises SceneError: roots.json is damaged)."""
    path = store / "roots.json"
    found = _read_json(path) if path.is_file() else {}
    if not all(isinstance(place, str) for place in found.values()):
        raise SceneError("expected names with directories", where=str(path), fix="correct or delete it")
    return found


def bind(store: Path, name: str, directory: Path) -> None:
    """Say where the scans of one name lie on this machine (raises StoreError, SceneError)."""
    known = {**roots(store), name: str(_absolute(directory))}
    write_atomic(store / "roots.json", json.dumps(known, indent=1, ensure_ascii=False) + "\n")


def root_name(store: Path, adapter: str, directory: Path) -> str:
    """The name of a source's directory, bound if it is new (raises StoreError, SceneError)."""
    place, known = str(_absolute(directory)), roots(store)
    names = (adapter, *(f"{adapter}-{n}" for n in range(2, len(known) + 3)))
    for name in names:
        if known.get(name) == place:
            return name
    name = next(name for name in names if name not in known and name != MEDIA)
    bind(store, name, directory)
    return name


def sweep(store: Path) -> None:
    """Remove what replaced scenes and killed runs left behind; only for the holder of the lock."""
    kept = entries(store)
    files = {entry.file for entry in kept}
    for path, _ in _files(store):
        entry = _entry(path)
        if entry is not None and path.name not in files:
            path.unlink(missing_ok=True)
    for path in (store / "scenes").glob(".*.part"):
        path.unlink(missing_ok=True)
    used = {entry.place.partition("/")[0] for entry in kept if entry.base == MEDIA}
    for path in (store / MEDIA).glob("*"):
        if _KEY.fullmatch(path.name) and path.name not in used:
            shutil.rmtree(path, ignore_errors=True)


def log(store: Path, **fields: Any) -> None:
    """Append one line to log.jsonl (raises StoreError)."""
    path = store / "log.jsonl"
    try:
        with path.open("a", encoding="utf-8") as handle:
            handle.write(canonical_json({"time": round(time.time(), 3), **fields}) + "\n")
    except OSError as error:
        raise StoreError(f"cannot write: {error.strerror}", where=str(path)) from None


def history(store: Path) -> Iterator[dict[str, Any]]:
    """All whole lines of log.jsonl; a torn last line is skipped."""
    path = store / "log.jsonl"
    if path.is_file():
        with path.open(encoding="utf-8") as handle:
            for line in handle:
                with contextlib.suppress(ValueError):
                    yield json.loads(line)


def failures(store: Path) -> dict[str, str]:
    """Scenes whose last attempt failed, with the reason, by id."""
    last: dict[str, str] = {}
    for line in history(store):
        last.pop(line.get("id", ""), None)
        if "failed" in line:
            last[line["id"]] = line["failed"]
    return last


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SceneError(f"cannot be read: {error}", where=str(path), fix="correct or delete it") from None
    if not isinstance(data, dict):
        raise SceneError("expected a JSON object", where=str(path), fix="correct or delete it")
    return data
